"""People who sign in at the OpenID provider: an account at the first sign-in, a role kept in step."""

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING, NoReturn

from experimentation import telemetry
from experimentation.domain.access import AccountRole, Identity
from experimentation.domain.errors import (
    ConflictError,
    ExperimentationError,
    ForbiddenError,
    UnauthenticatedError,
)
from experimentation.storage.access import accounts, audit
from experimentation.storage.access.accounts import Account
from experimentation.storage.access.audit import Deed, Origin
from experimentation.usecases import passwords

if TYPE_CHECKING:
    from experimentation.storage.aws.transactions import Action

SOURCE = "oidc"


def admitted(identity: Identity, origin: Origin) -> Account:
    """Return the person's account as it is now: made, or given the role that the provider says.

    ForbiddenError for somebody without a role there, whose sessions end, or who is disabled here;
    ConflictError when the name is somebody else's: the account of a password, or of another subject.
    """
    known = accounts.find(identity.username)
    if known is not None and known.subject != identity.subject:
        _refuse(identity, origin, ConflictError("The name belongs to somebody else here."))
    if known is not None and known.disabled:
        _refuse(identity, origin, ForbiddenError("The account is disabled."))
    if identity.role is None:
        if known is not None:
            _changed(identity, origin, known.role, "no role at the provider: sessions ended")
        _refuse(identity, origin, ForbiddenError("The sign-in service gives no role here."))
    if known is None:
        return _created(identity, identity.role, origin)
    if known.role == identity.role:
        return known
    try:
        return _changed(identity, origin, identity.role, f"role {known.role} -> {identity.role}")
    except ConflictError as error:
        _refuse(identity, origin, ForbiddenError(error.detail))


def require_unchanged(account: Account) -> None:
    """Raise UnauthenticatedError when the person was changed since: tokens from now on would outlive that."""
    found = accounts.find(account.username)
    if found is None or (found.role, found.epoch, found.disabled) != (account.role, account.epoch, False):
        raise UnauthenticatedError("The account was changed meanwhile.")


def _created(identity: Identity, role: AccountRole, origin: Origin) -> Account:
    # Nor may anybody be called like that administrator, who could then never be made.
    if not accounts.has_first_admin():
        _refuse(identity, origin, ForbiddenError("The deployment's own administrator signs in first."))
    account = Account(
        identity.username,
        role,
        passwords.of_nobody(),
        secrets.token_hex(16),
        origin.now,
        origin.now,
        subject=identity.subject,
    )
    made = audit.writing(Deed.ACCOUNT_CREATED, _by(identity, origin), identity.username, f"{SOURCE}: {role}")
    try:
        accounts.create(account, [made])
    except ConflictError:
        found = accounts.find(identity.username)  # another tab's first sign-in was quicker
        if found is None or found.subject != identity.subject:
            raise
        return found
    telemetry.count("AdminsAdded", account.is_active_admin)
    return account


def _changed(identity: Identity, origin: Origin, role: str, detail: str) -> Account:
    """Store the role; without one at the provider, a new epoch, which ends the sessions."""

    def changed(account: Account) -> Account:
        if account.subject != identity.subject:
            raise ConflictError("The name belongs to somebody else here.")
        epoch = account.epoch if identity.role else secrets.token_hex(16)
        return replace(account, role=role, epoch=epoch)

    def record(before: Account, after: Account) -> "Action":
        telemetry.count("AdminsAdded", after.is_active_admin and not before.is_active_admin)
        return audit.writing(
            Deed.ACCOUNT_CHANGED, _by(identity, origin), identity.username, f"{SOURCE}: {detail}"
        )

    return accounts.change(identity.username, changed, now=origin.now, record=record)


def _refuse(identity: Identity, origin: Origin, error: ExperimentationError) -> NoReturn:
    audit.write(Deed.LOGIN_REFUSED, origin, identity.username, f"{SOURCE}: {error.detail}")
    raise error


def _by(identity: Identity, origin: Origin) -> Origin:
    return origin._replace(actor=identity.username)
