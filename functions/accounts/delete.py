"""DELETE /accounts/{username} - remove a person; their tokens end with them."""

from experimentation.storage.access import accounts
from experimentation.web.endpoint import endpoint
from experimentation.web.schemas.accounts import Username


@endpoint(scope="admin", status=204)
def handler(username: Username) -> None:
    """Delete the person; 409 when no enabled admin would be left."""
    accounts.delete(username)
