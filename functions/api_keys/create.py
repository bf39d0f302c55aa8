"""POST /api-keys - make a key for a machine; its secret is shown this once."""

import secrets

from experimentation.domain.errors import FieldError, InvalidError
from experimentation.storage.access import api_keys, audit
from experimentation.storage.access.api_keys import ApiKey
from experimentation.storage.access.audit import Deed
from experimentation.web.endpoint import endpoint
from experimentation.web.principals import Principal, origin_of
from experimentation.web.reply import Reply
from experimentation.web.request import Request
from experimentation.web.schemas.api_keys import ApiKeyCreate, ApiKeyCreated


@endpoint(scope="admin", status=201, recent=True)
def handler(body: ApiKeyCreate, principal: Principal, request: Request, now: int) -> Reply:
    """Store the key's hash and answer with the key."""
    expires_at = body.expiry(now)
    if expires_at is not None and expires_at <= now:
        raise InvalidError(
            "The key would have expired already.", [FieldError("/expires_at", "must be in the future")]
        )
    secret = secrets.token_urlsafe(32)
    key = ApiKey(
        id=secrets.token_hex(8),
        name=body.name,
        secret_hash=api_keys.hashed(secret),
        scopes=tuple(sorted(set(body.scopes))),
        created_at=now,
        created_by=principal.id,
        expires_at=expires_at,
        owner=principal.id,
        rate=body.requests_per_minute,
    )
    detail = f"{key.name}: {' '.join(key.scopes)}"
    api_keys.create(
        key, [audit.writing(Deed.KEY_CREATED, origin_of(request, principal, now), key.id, detail)]
    )
    return Reply(ApiKeyCreated.with_secret(key, secret), headers={"Location": f"/api-keys/{key.id}"})
