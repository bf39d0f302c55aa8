"""POST /api-keys - make a key for a machine; its secret is shown this once."""

import secrets

from experimentation.domain.errors import FieldError, InvalidError
from experimentation.storage.access import api_keys
from experimentation.storage.access.api_keys import ApiKey
from experimentation.web.endpoint import endpoint
from experimentation.web.principals import Principal
from experimentation.web.reply import Reply
from experimentation.web.schemas.api_keys import ApiKeyCreate, ApiKeyCreated


@endpoint(scope="admin", status=201)
def handler(body: ApiKeyCreate, principal: Principal, now: int) -> Reply:
    """Store the key's hash and answer with the key."""
    if body.expires_at is not None and body.expires_at <= now:
        raise InvalidError("The key would be over already.", [FieldError("/expires_at", "is in the past")])
    secret = secrets.token_urlsafe(32)
    key = ApiKey(
        id=secrets.token_hex(8),
        name=body.name,
        secret_hash=api_keys.hashed(secret),
        scopes=tuple(sorted(set(body.scopes))),
        created_at=now,
        created_by=principal.id,
        expires_at=body.expires_at,
    )
    api_keys.create(key)
    return Reply(ApiKeyCreated.with_secret(key, secret), headers={"Location": f"/api-keys/{key.id}"})
