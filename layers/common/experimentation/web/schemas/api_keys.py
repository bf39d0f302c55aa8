"""API keys as administrators make and see them."""

from typing import Annotated, Self

from pydantic import Field, StringConstraints

from experimentation.domain.access import Scope
from experimentation.domain.clock import DAY_MS, rfc3339, rfc3339_or_none
from experimentation.storage.access.api_keys import DEFAULT_RATE, ApiKey
from experimentation.web.schemas.model import RequestModel, ResponseModel
from experimentation.web.schemas.types import Cursor, Limit, Name, Timestamp

DEFAULT_LIFETIME_MS = 365 * DAY_MS
KeyId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]{1,32}$")]


class ApiKeyCreate(RequestModel):
    """A new key, good for a year unless `expires_at` says otherwise; null: until it is deleted.

    Each execution environment lets `requests_per_minute` of the key through.
    """

    name: Name
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=7)]
    expires_at: Timestamp | None = None
    requests_per_minute: Annotated[int, Field(ge=1, le=600_000)] = DEFAULT_RATE

    def expiry(self, now: int) -> int | None:
        """Return when the key expires: in a year by default."""
        return self.expires_at if "expires_at" in self.model_fields_set else now + DEFAULT_LIFETIME_MS


class ApiKeyList(RequestModel):
    """Which page of the keys."""

    limit: Limit = 50
    cursor: Cursor | None = None


class ApiKeyAnswer(ResponseModel):
    """A key without its secret."""

    id: str
    name: str
    scopes: list[str]
    created_at: str
    created_by: str
    owner: str
    expires_at: str | None
    requests_per_minute: int
    last_used_on: str | None

    @classmethod
    def of(cls, key: ApiKey) -> Self:
        """Return the key without its secret."""
        return cls(**_shown(key))


class ApiKeyCreated(ApiKeyAnswer):
    """A new key; `key` is the credential to send, shown only this once."""

    key: str

    @classmethod
    def with_secret(cls, key: ApiKey, secret: str) -> Self:
        """Return the key with its credential."""
        return cls(**_shown(key), key=f"exp_{key.id}_{secret}")


class ApiKeyPage(ResponseModel):
    """Some keys, and the cursor of the next page."""

    api_keys: list[ApiKeyAnswer]
    next_cursor: str | None


def _shown(key: ApiKey) -> "dict[str, object]":
    return {
        "id": key.id,
        "name": key.name,
        "scopes": list(key.scopes),
        "created_at": rfc3339(key.created_at),
        "created_by": key.created_by,
        "owner": key.owner,
        "expires_at": rfc3339_or_none(key.expires_at),
        "requests_per_minute": key.rate,
        "last_used_on": None if key.used_on is None else rfc3339(key.used_on * DAY_MS)[:10],
    }
