"""People who sign in at the OpenID provider: the first sign-in creates an account, each updates its role."""

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
NAME_TAKEN = "The name belongs to somebody else here."
NO_ROLE = "The sign-in service gives no role here."


def admitted(identity: Identity, origin: Origin) -> Account:
    """Return the person's account as it is now: a new one, or one with the role that the provider says.

    ForbiddenError for a person without a role there, whose sessions end, or who is disabled here;
    ConflictError when the name is taken: by an account with a password, or of another subject.
    """
    account = accounts.find(identity.username)
    if account is not None:
        return _updated(account, identity, origin)
    if identity.role is None:
        _refuse(identity, origin, ForbiddenError(NO_ROLE))
    return _created(identity, identity.role, origin)


def _updated(account: Account, identity: Identity, origin: Origin) -> Account:
    if account.subject != identity.subject:
        _refuse(identity, origin, ConflictError(NAME_TAKEN))
    if account.disabled:
        _refuse(identity, origin, ForbiddenError("The account is disabled."))
    if identity.role is None:
        _changed(identity, origin, account.role, "no role at the provider: sessions ended")
        _refuse(identity, origin, ForbiddenError(NO_ROLE))
    if account.role == identity.role:
        return account
    try:
        return _changed(identity, origin, identity.role, f"role {account.role} -> {identity.role}")
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
        existing = accounts.find(identity.username)  # another tab's first sign-in was quicker
        if existing is None or existing.subject != identity.subject:
            raise
        return existing
    telemetry.count("AdminsAdded", account.is_active_admin)
    return account


def _changed(identity: Identity, origin: Origin, role: str, detail: str) -> Account:
    """Store the role; without one at the provider, a new epoch too, which ends the sessions."""

    def changed(account: Account) -> Account:
        if account.subject != identity.subject:
            raise ConflictError(NAME_TAKEN)
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
