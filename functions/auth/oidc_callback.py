"""GET /auth/oidc/callback - start a session for a person who returns from the OpenID provider."""

from experimentation import settings
from experimentation.clock import wall_clock
from experimentation.domain.errors import ForbiddenError, UnauthenticatedError
from experimentation.storage.access import audit, issuer, sessions
from experimentation.storage.access.audit import Deed
from experimentation.usecases import provisioning
from experimentation.web import id_tokens, oidc
from experimentation.web.endpoint import endpoint
from experimentation.web.principals import origin_of
from experimentation.web.reply import Reply
from experimentation.web.request import Request
from experimentation.web.schemas.auth import OidcCallback
from experimentation.web.token_replies import token_reply


@endpoint(scope="anyone", status=303, render_problem=oidc.explained)
def handler(query: OidcCallback, request: Request, now: int) -> Reply:
    """Redirect to the console with a session in cookies, or to the sign-in page, which says what failed."""
    oidc.require_configured()
    sign_in = oidc.sign_in_of(request, query.state)
    if query.error:
        raise ForbiddenError("The sign-in service let nobody in.")
    if query.iss not in {"", settings.oidc_issuer()}:  # RFC 9207
        raise UnauthenticatedError("Another sign-in service answers.")
    code = query.code.get_secret_value()
    token = issuer.id_token(code, sign_in.verifier, oidc.callback_address(request), now)
    claims = id_tokens.verified(token, sign_in.nonce, now)
    origin = origin_of(request, None, now)
    account = provisioning.admitted(id_tokens.identity_of(claims), origin)
    started_at = wall_clock() + 1  # a new role, stored just now, revokes what was issued until then
    provisioning.require_unchanged(account)
    session = sessions.start(
        account.username,
        account.epoch,
        started_at,
        address=request.address,
        user_agent=request.user_agent,
        authenticated_at=id_tokens.authenticated_at(claims, now),
        lifetime_seconds=settings.oidc_session_seconds(),
    )
    audit.write(Deed.LOGIN, origin._replace(actor=account.username), account.username, provisioning.SOURCE)
    return oidc.arrival(token_reply(session, account.role, started_at, in_cookies=True))
