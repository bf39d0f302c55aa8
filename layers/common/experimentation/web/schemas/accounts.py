"""People as administrators make, change and see them."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import AfterValidator, BeforeValidator, SecretStr, StringConstraints

from experimentation.domain.access import LONGEST_PASSWORD_BYTES, SHORTEST_PASSWORD, AccountRole
from experimentation.domain.clock import rfc3339
from experimentation.domain.facts import OURSELVES
from experimentation.storage.access.accounts import Account
from experimentation.web.schemas.model import RequestModel, ResponseModel
from experimentation.web.schemas.types import Cursor, Limit


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


def _of_fair_length(password: SecretStr) -> SecretStr:
    text = password.get_secret_value()
    if len(text) < SHORTEST_PASSWORD:
        raise ValueError(f"needs at least {SHORTEST_PASSWORD} characters")
    if len(text.encode()) > LONGEST_PASSWORD_BYTES:
        raise ValueError(f"may have at most {LONGEST_PASSWORD_BYTES} bytes of UTF-8")
    return password


def _of_a_person(username: str) -> str:
    if username in OURSELVES:
        raise ValueError("is what the history calls a part of the platform")
    return username


Username = Annotated[
    str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._@+-]{0,63}$"), BeforeValidator(_lower)
]
PersonName = Annotated[Username, AfterValidator(_of_a_person)]
"""A name that a new person may have."""
NewPassword = Annotated[SecretStr, AfterValidator(_of_fair_length)]


class AccountCreate(RequestModel):
    """A new person; names that differ only in case are the same."""

    username: PersonName
    password: NewPassword
    role: AccountRole = AccountRole.USER


class KeysFate(StrEnum):
    """What to do with the API keys that a person owns: end them, or hand them over to the caller."""

    END = "end"
    HAND_OVER = "hand_over"


class AccountDelete(RequestModel):
    """What to do with the person's API keys; needed when there are any."""

    keys: KeysFate | None = None


class AccountUpdate(RequestModel):
    """The fields to change. A new password or `disabled` ends the person's sessions.

    `keys` says what becomes of the API keys that the person answers for.
    """

    role: AccountRole | None = None
    password: NewPassword | None = None
    disabled: bool | None = None
    keys: KeysFate | None = None


class AccountList(RequestModel):
    """Which page of the people, in the order of their names."""

    limit: Limit = 50
    cursor: Cursor | None = None


class AccountAnswer(ResponseModel):
    """A person, without the password."""

    username: str
    role: str
    disabled: bool
    created_at: str
    updated_at: str

    @classmethod
    def of(cls, account: Account) -> Self:
        """Return the person without secrets."""
        return cls(
            username=account.username,
            role=account.role,
            disabled=account.disabled,
            created_at=rfc3339(account.created_at),
            updated_at=rfc3339(account.updated_at),
        )


class AccountPage(ResponseModel):
    """Some people, and the cursor of the next page."""

    accounts: list[AccountAnswer]
    next_cursor: str | None
