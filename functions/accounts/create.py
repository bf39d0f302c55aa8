"""POST /accounts - add a person who can log in."""

import secrets
from urllib.parse import quote

from experimentation import telemetry
from experimentation.storage.access import accounts, audit
from experimentation.storage.access.accounts import Account
from experimentation.storage.access.audit import Deed
from experimentation.usecases import passwords
from experimentation.web.endpoint import endpoint
from experimentation.web.principals import Principal, origin_of
from experimentation.web.reply import Reply
from experimentation.web.request import Request
from experimentation.web.schemas.accounts import AccountAnswer, AccountCreate


@endpoint(scope="admin", status=201, recent=True)
def handler(body: AccountCreate, principal: Principal, request: Request, now: int) -> Reply:
    """Store the person; 409 when the name is taken."""
    password = body.password.get_secret_value()
    passwords.require_strong(password, body.username, "/password")
    account = Account(body.username, body.role, passwords.hashed(password), secrets.token_hex(16), now, now)
    origin = origin_of(request, principal, now)
    accounts.create(account, [audit.writing(Deed.ACCOUNT_CREATED, origin, account.username, account.role)])
    telemetry.count("AdminsAdded", account.is_active_admin)
    location = f"/accounts/{quote(account.username, safe='@+')}"
    return Reply(AccountAnswer.of(account), headers={"Location": location})
