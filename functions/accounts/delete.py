"""DELETE /accounts/{username} - remove a person; their tokens end with them, and so may their API keys."""

from experimentation.usecases import leaving
from experimentation.web.endpoint import endpoint
from experimentation.web.principals import Principal, origin_of
from experimentation.web.request import Request
from experimentation.web.schemas.accounts import AccountDelete, KeysFate, Username


@endpoint(scope="admin", status=204, recent=True)
def handler(
    username: Username, query: AccountDelete, principal: Principal, request: Request, now: int
) -> None:
    """Delete the person; 409 when no enabled admin would be left, or keys of theirs are left unsettled."""
    heir = principal.id if query.keys is KeysFate.HAND_OVER else None
    ends_keys = query.keys is KeysFate.END
    leaving.remove(username, heir, ends_keys=ends_keys, origin=origin_of(request, principal, now))
