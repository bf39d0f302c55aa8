"""POST /accounts - add a person who can log in."""

import secrets
from urllib.parse import quote

from experimentation.storage.access import accounts
from experimentation.storage.access.accounts import Account
from experimentation.usecases import passwords
from experimentation.web.endpoint import endpoint
from experimentation.web.reply import Reply
from experimentation.web.schemas.accounts import AccountAnswer, AccountCreate


@endpoint(scope="admin", status=201)
def handler(body: AccountCreate, now: int) -> Reply:
    """Store the person; 409 when the name is taken."""
    stored = passwords.hashed(body.password.get_secret_value())
    account = Account(body.username, body.role, stored, secrets.token_hex(16), now, now)
    accounts.create(account)
    location = f"/accounts/{quote(account.username, safe='@+')}"
    return Reply(AccountAnswer.of(account), headers={"Location": location})
