"""The first administrator's credentials, which the deployment generates."""

import json
from typing import NamedTuple

from experimentation import settings
from experimentation.domain.access import LONGEST_PASSWORD_BYTES
from experimentation.domain.errors import ConfigurationError
from experimentation.storage.aws import client
from experimentation.storage.aws.failures import translated


class Credentials(NamedTuple):
    """A name and a password."""

    username: str
    password: str


def credentials() -> Credentials:
    """Return what the secret holds: {"username", "password"}, or the password of `admin` alone."""
    with translated():
        answer = client.secrets().get_secret_value(SecretId=settings.admin_secret_arn())
    return parsed(answer["SecretString"])


def parsed(text: str) -> Credentials:
    """Return the credentials in a secret's text; ConfigurationError when there are none.

    >>> parsed('{"username": "root", "password": "p"}').username, parsed("p").username
    ('root', 'admin')
    """
    try:
        document = json.loads(text) if text.startswith("{") else {"password": text}
        found = Credentials(str(document.get("username", "admin")).lower(), str(document["password"]))
    except (ValueError, KeyError):
        raise ConfigurationError('the admin secret should be {"username", "password"}') from None
    if not found.username or not 1 <= len(found.password.encode()) <= LONGEST_PASSWORD_BYTES:
        raise ConfigurationError("the admin secret needs a username and a password of 1 to 72 bytes")
    return found
