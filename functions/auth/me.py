"""GET /auth/me - say who is calling, and what they may do."""

from experimentation.web.endpoint import endpoint
from experimentation.web.principals import Principal
from experimentation.web.schemas.auth import MeAnswer


@endpoint(scope="token")
def handler(principal: Principal) -> MeAnswer:
    """Return the person, or the API key."""
    return MeAnswer(
        kind=principal.kind, id=principal.id, role=principal.role, scopes=sorted(principal.scopes)
    )
