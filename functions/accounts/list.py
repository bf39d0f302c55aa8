"""GET /accounts - list the people who can log in, in the order of their names."""

from experimentation.storage.access import accounts
from experimentation.web.endpoint import endpoint
from experimentation.web.listing import next_cursor, start_of
from experimentation.web.schemas.accounts import AccountAnswer, AccountList, AccountPage


@endpoint(scope="admin")
def handler(query: AccountList) -> AccountPage:
    """Return one page."""
    page = accounts.page(query.limit, start_of(query.cursor, "accounts"))
    return AccountPage(
        accounts=[AccountAnswer.of(account) for account in page.accounts],
        next_cursor=next_cursor(page.next_after, "accounts"),
    )
