"""API keys as administrators make and see them."""

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints

from experimentation.domain.clock import rfc3339
from experimentation.storage.access.api_keys import ApiKey
from experimentation.web.schemas.model import RequestModel, ResponseModel
from experimentation.web.schemas.types import Cursor, Limit, Name, Timestamp

type Scope = Literal[
    "experiments:read",
    "experiments:write",
    "assignments:read",
    "assignments:write",
    "events:read",
    "events:write",
    "results:read",
]
KeyId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]{1,32}$")]


class ApiKeyCreate(RequestModel):
    """A new key; without `expires_at` it is good until it is deleted."""

    name: Name
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=7)]
    expires_at: Timestamp | None = None


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
    expires_at: str | None

    @classmethod
    def of(cls, key: ApiKey) -> Self:
        """Return what may be shown of the key."""
        return cls(**_shown(key))


class ApiKeyCreated(ApiKeyAnswer):
    """A new key; `key` is what its holder sends, and is shown here alone."""

    key: str

    @classmethod
    def with_secret(cls, key: ApiKey, secret: str) -> Self:
        """Return the key with what its holder sends."""
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
        "expires_at": None if key.expires_at is None else rfc3339(key.expires_at),
    }
