"""The first administrator: created once, on first use, by a conditional write."""

import secrets

from experimentation import settings
from experimentation.domain.access import AccountRole
from experimentation.storage.access import accounts, admin_secret
from experimentation.storage.access.accounts import Account
from experimentation.usecases import passwords

_there: set[str] = set()


def ensure(now: int) -> None:
    """Store the administrator of the deployment's secret, unless one was stored before."""
    table = settings.accounts_table()
    if table in _there:
        return
    if not accounts.has_first_admin():
        username, password = admin_secret.credentials()
        accounts.create_first_admin(
            Account(username, AccountRole.ADMIN, passwords.hashed(password), secrets.token_hex(16), now, now)
        )
    _there.add(table)


def forget() -> None:
    """Check again at the next use."""
    _there.clear()
