"""PATCH /accounts/{username} - change a person's role or password, disable or enable them."""

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING

from experimentation import telemetry
from experimentation.storage.access import accounts, api_keys, audit
from experimentation.storage.access.accounts import Account
from experimentation.storage.access.audit import Deed
from experimentation.usecases import leaving, passwords
from experimentation.web.endpoint import endpoint
from experimentation.web.principals import Principal, origin_of
from experimentation.web.request import Request
from experimentation.web.schemas.accounts import AccountAnswer, AccountUpdate, KeysFate, Username

if TYPE_CHECKING:
    from experimentation.storage.aws.transactions import Action


@endpoint(scope="admin", recent=True)
def handler(
    username: Username, body: AccountUpdate, principal: Principal, request: Request, now: int
) -> AccountAnswer:
    """Change what is given; 409 when no enabled admin would be left."""
    stored = _hashed(body, username)
    disabled = body.disabled
    ends_sessions = stored is not None or bool(disabled)
    origin = origin_of(request, principal, now)

    def changed(account: Account) -> Account:
        return replace(
            account,
            role=body.role or account.role,
            password_hash=stored or account.password_hash,
            disabled=account.disabled if disabled is None else disabled,
            epoch=secrets.token_hex(16) if ends_sessions else account.epoch,
        )

    def record(before: Account, after: Account) -> "Action":
        telemetry.count("AdminsAdded", after.is_active_admin and not before.is_active_admin)
        return audit.writing(Deed.ACCOUNT_CHANGED, origin, username, _described(before, after))

    account = accounts.change(username, changed, now=now, record=record)
    if body.keys is not None:
        heir = principal.id if body.keys is KeysFate.HAND_OVER else None
        leaving.settle(api_keys.owned_by(username), heir, origin)
    return AccountAnswer.of(account)


def _hashed(body: AccountUpdate, username: str) -> str | None:
    if body.password is None:
        return None
    password = body.password.get_secret_value()
    passwords.require_strong(password, username, "/password")
    return passwords.hashed(password)


def _described(before: Account, after: Account) -> str:
    """Return what changed, never a password.

    >>> ada = Account("ada", "user", "-", "e", 0, 0)
    >>> _described(ada, replace(ada, role="admin", disabled=True, password_hash="new"))
    'role user -> admin, disabled, new password'
    """
    parts = [
        f"role {before.role} -> {after.role}" if before.role != after.role else "",
        ("disabled" if after.disabled else "enabled") if before.disabled != after.disabled else "",
        "new password" if before.password_hash != after.password_hash else "",
    ]
    return ", ".join(part for part in parts if part)
