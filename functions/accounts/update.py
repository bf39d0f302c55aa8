"""PATCH /accounts/{username} - change a person's role or password, disable or enable them."""

import secrets
from dataclasses import replace

from experimentation.storage.access import accounts
from experimentation.storage.access.accounts import Account
from experimentation.usecases import passwords
from experimentation.web.endpoint import endpoint
from experimentation.web.schemas.accounts import AccountAnswer, AccountUpdate, Username


@endpoint(scope="admin")
def handler(username: Username, body: AccountUpdate, now: int) -> AccountAnswer:
    """Change what is given; 409 when no enabled admin would be left."""
    stored = passwords.hashed(body.password.get_secret_value()) if body.password else None
    disabled = body.disabled
    ends_sessions = stored is not None or bool(disabled)

    def changed(account: Account) -> Account:
        return replace(
            account,
            role=body.role or account.role,
            password_hash=stored or account.password_hash,
            disabled=account.disabled if disabled is None else disabled,
            epoch=secrets.token_hex(16) if ends_sessions else account.epoch,
        )

    return AccountAnswer.of(accounts.change(username, changed, now=now))
