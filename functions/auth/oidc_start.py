"""GET /auth/oidc/start - send a person to the OpenID provider to sign in."""

from experimentation.storage.access import issuer
from experimentation.web import oidc
from experimentation.web.endpoint import endpoint
from experimentation.web.reply import Reply
from experimentation.web.request import Request
from experimentation.web.schemas.auth import OidcStart


@endpoint(scope="anyone", status=303, render_problem=oidc.explained)
def handler(query: OidcStart, request: Request, now: int) -> Reply:
    """Redirect to the provider; back to the sign-in page when it does not answer."""
    oidc.require_configured()
    return oidc.departure(issuer.metadata(now).authorization_endpoint, request, fresh=query.fresh)
