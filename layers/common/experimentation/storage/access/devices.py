"""Devices that a person signed in with before: other people's failures do not delay a login from them.

The device holds a random secret in a cookie ("device cookies", OWASP); its hash is stored under the person's
name.
"""

import hashlib
import secrets
from typing import TYPE_CHECKING

from experimentation import settings
from experimentation.storage.aws import client
from experimentation.storage.aws.failures import translated

if TYPE_CHECKING:
    from experimentation.storage.aws.transactions import Item

LIFETIME_SECONDS = 180 * 86_400
LONGEST = 100


def is_known(username: str, secret: str, now: int) -> bool:
    """Tell whether the person signed in with this device before."""
    if not 0 < len(secret) <= LONGEST or not secret.isascii():
        return False
    with translated():
        answer = client.dynamodb().get_item(
            TableName=settings.accounts_table(), Key=_primary(username, secret), ConsistentRead=True
        )
    return "Item" in answer and int(answer["Item"]["expires_at"]["N"]) > now // 1000


def remember(username: str, now: int) -> str:
    """Store a new device of the person and return its secret."""
    secret = secrets.token_urlsafe(32)
    item = _primary(username, secret) | {"expires_at": {"N": str(now // 1000 + LIFETIME_SECONDS)}}
    with translated():
        client.dynamodb().put_item(TableName=settings.accounts_table(), Item=item)
    return secret


def _primary(username: str, secret: str) -> "Item":
    digest = hashlib.sha256(secret.encode()).hexdigest()
    return {"PK": {"S": f"DEVICE#{username}"}, "SK": {"S": digest}}
