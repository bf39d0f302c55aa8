"""GET /auth/methods - say how people may sign in."""

from experimentation import settings
from experimentation.web import oidc
from experimentation.web.endpoint import endpoint
from experimentation.web.schemas.auth import MethodsAnswer, OidcMethod


@endpoint(scope="anyone")
def handler() -> MethodsAnswer:
    """Return the ways to sign in: with a password, and at the OpenID provider where one is set up."""
    has_provider = bool(settings.oidc_issuer())
    provider = OidcMethod(name=settings.oidc_name(), href=oidc.START) if has_provider else None
    return MethodsAnswer(password=True, oidc=provider)
