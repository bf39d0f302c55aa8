"""POST /auth/password - change one's own password; every session of the person ends."""

import secrets
from dataclasses import replace

from experimentation.domain.errors import UnauthenticatedError
from experimentation.storage.access import accounts, audit
from experimentation.storage.access.accounts import Account
from experimentation.storage.access.audit import Deed
from experimentation.storage.access.throttles import Attempt
from experimentation.usecases import passwords
from experimentation.usecases.signing_in import authenticated
from experimentation.web.endpoint import endpoint
from experimentation.web.principals import Principal, origin_of
from experimentation.web.reply import Reply
from experimentation.web.request import Request
from experimentation.web.schemas.auth import PasswordChange
from experimentation.web.token_replies import cleared


@endpoint(scope="person", status=204, max_body=10_000)
def handler(body: PasswordChange, principal: Principal, request: Request, now: int) -> Reply:
    """Store the new password if the current one is right; wrong guesses are throttled as at a login."""
    new_password = body.new_password.get_secret_value()
    passwords.require_strong(new_password, principal.id, "/new_password")
    origin = origin_of(request, principal, now)
    attempt = Attempt(principal.id, request.address)
    before = authenticated(attempt, body.current_password.get_secret_value(), Deed.PASSWORD_REFUSED, origin)
    stored, epoch = passwords.hashed(new_password), secrets.token_hex(16)

    def changed(account: Account) -> Account:
        if account.epoch != before.epoch:
            raise UnauthenticatedError("The password was changed meanwhile.")
        return replace(account, password_hash=stored, epoch=epoch)

    record = audit.writing(Deed.PASSWORD_CHANGED, origin, principal.id)
    accounts.change(principal.id, changed, now=now, record=lambda _, __: record)
    return Reply(status=204, cookies=cleared())
