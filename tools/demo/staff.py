"""Who works in the demo's shop, and the programs that have its keys."""

import secrets

from experimentation.domain.access import AccountRole
from experimentation.storage.access import accounts, api_keys, audit
from experimentation.storage.access.accounts import Account
from experimentation.storage.access.api_keys import ApiKey
from experimentation.storage.access.audit import Deed, Origin
from experimentation.usecases import passwords
from tools.demo.trial import DAY_MS

FIRST = "admin"
PEOPLE = {"ada": AccountRole.USER, "jonas": AccountRole.USER, "mira": AccountRole.VIEWER}
PROGRAMS = {
    "Shop backend": ("assignments:write", "events:write"),
    "Weekly report": ("experiments:read", "results:read"),
}


def hire(at: int, now: int) -> None:
    """Add the people and the keys, used up to now; nobody knows their passwords or secrets."""
    origin = Origin(FIRST, "127.0.0.1", "", at)
    for username, role in PEOPLE.items():
        account = Account(username, role, passwords.of_nobody(), secrets.token_hex(16), at, at)
        accounts.create(account, [audit.writing(Deed.ACCOUNT_CREATED, origin, username, role)])
    for name, scopes in PROGRAMS.items():
        secret_hash = api_keys.hashed(secrets.token_urlsafe(32))
        expires_at = at + 365 * DAY_MS
        key = ApiKey(secrets.token_hex(8), name, secret_hash, scopes, at, FIRST, expires_at, FIRST)
        api_keys.create(key, [audit.writing(Deed.KEY_CREATED, origin, key.id, f"{name}: {' '.join(scopes)}")])
        api_keys.note_use(key, now)
