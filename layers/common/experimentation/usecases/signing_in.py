"""Signing in and staying signed in: each attempt is throttled, checked and put on record."""

from typing import TypeIs

from experimentation import telemetry
from experimentation.domain.errors import UnauthenticatedError
from experimentation.storage.access import accounts, audit, sessions, throttles
from experimentation.storage.access.accounts import Account
from experimentation.storage.access.audit import Deed, Origin
from experimentation.storage.access.sessions import ReusedError, Session
from experimentation.storage.access.throttles import Attempt
from experimentation.usecases import passwords


def authenticated(attempt: Attempt, password: str, refusal: Deed, origin: Origin) -> Account:
    """Return the person, read again after the check: the password may have changed while it ran.

    UnauthenticatedError for a wrong name, a wrong password and a disabled person alike; TooManyRequestsError
    while the caller has to wait.
    """
    throttles.charge(attempt, origin.now)
    before = accounts.find(attempt.username)
    matches = passwords.matches(password, before.password_hash if before else None)
    account = accounts.find(attempt.username)
    if not matches or before is None or not _is_current(account, before.epoch):
        # A name that nobody has may be a password in the wrong field: it must not be recorded.
        audit.write(refusal, origin, before.username if before else "")
        raise UnauthenticatedError("The name or the password is wrong.")
    throttles.give_back(attempt, origin.now)
    return account


def refreshed(token: str, origin: Origin) -> tuple[Session, Account]:
    """Return the session with its next token, and its person as of now.

    UnauthenticatedError when the token is none, or the person was disabled, deleted or given a new password.
    """
    try:
        session = sessions.rotate(token, origin.now)
    except ReusedError as error:
        telemetry.count("RefreshTokensReused")
        audit.write(Deed.SESSION_REUSED, origin, error.username)
        raise
    account = accounts.find(session.username)
    if not _is_current(account, session.epoch):
        sessions.revoke(session.refresh_token, origin.now)
        raise UnauthenticatedError("The refresh token is not valid.")
    return session, account


def _is_current(account: Account | None, epoch: str) -> TypeIs[Account]:
    """Tell whether there is an account that may sign in and has not ended its sessions since that epoch."""
    return account is not None and not account.disabled and account.epoch == epoch
