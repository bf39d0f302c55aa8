"""What is sent to log in, to stay logged in and to log out; JSON, or an OAuth form (RFC 6749, RFC 7009)."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import SecretStr, StringConstraints

from experimentation.web.schemas.model import RequestModel, ResponseModel

Given = Annotated[str, StringConstraints(min_length=1, max_length=256)]


class Transport(StrEnum):
    """Where the tokens go: into the body, or into cookies."""

    BODY = "body"
    COOKIE = "cookie"


class TokenRequest(RequestModel):
    """A person's name and password."""

    username: Given
    password: SecretStr
    grant_type: Literal["password"] = "password"
    transport: Transport = Transport.BODY


class TokenQuery(RequestModel):
    """`transport` may also stand in the address, for forms."""

    transport: Transport = Transport.BODY


class RefreshRequest(RequestModel):
    """The refresh token, unless a cookie holds it."""

    refresh_token: SecretStr
    grant_type: Literal["refresh_token"] = "refresh_token"


class RevokeRequest(RequestModel):
    """The token to end, unless cookies hold it."""

    token: SecretStr
    token_type_hint: Given | None = None


class TokenAnswer(ResponseModel):
    """The tokens; with `transport=cookie` they are in cookies and not here."""

    token_type: Literal["Bearer"]
    expires_in: int
    refresh_expires_in: int
    scope: str
    access_token: str | None = None
    refresh_token: str | None = None


class MeAnswer(ResponseModel):
    """Who is calling."""

    kind: Literal["person", "key"]
    id: str
    role: str
    scopes: list[str]
