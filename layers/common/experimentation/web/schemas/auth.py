"""Requests that log in, refresh and log out: JSON, or an OAuth form (RFC 6749, RFC 7009)."""

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import ConfigDict, SecretStr, StringConstraints

from experimentation.domain.clock import rfc3339
from experimentation.storage.access.sessions import ListedSession
from experimentation.web.schemas.accounts import NewPassword
from experimentation.web.schemas.model import RequestModel, ResponseModel

SessionId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
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
    """`transport` as a query parameter, for forms."""

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


class PasswordChange(RequestModel):
    """The caller's password, and the new one."""

    current_password: SecretStr
    new_password: NewPassword


class SessionAnswer(ResponseModel):
    """One of the caller's sessions; `current` is the session of this request."""

    id: str
    current: bool
    started_at: str
    last_used_at: str
    ends_at: str
    address: str
    user_agent: str

    @classmethod
    def of(cls, session: ListedSession, current_id: str) -> Self:
        """Return the session as its person sees it."""
        return cls(
            id=session.id,
            current=session.id == current_id,
            started_at=rfc3339(session.started_at),
            last_used_at=rfc3339(session.last_used_at),
            ends_at=rfc3339(session.ends_at),
            address=session.address,
            user_agent=session.user_agent,
        )


class SessionList(ResponseModel):
    """The caller's sessions, the last used first."""

    sessions: list[SessionAnswer]


class OidcStart(RequestModel):
    """`fresh=true` asks the provider to let the person prove again who they are."""

    fresh: bool = False


class OidcCallback(RequestModel):
    """What the OpenID provider sends people back with: a code, or the error that kept it from giving one.

    Providers add parameters of their own, which are not looked at.
    """

    model_config = ConfigDict(extra="ignore")

    state: Annotated[str, StringConstraints(max_length=128)] = ""
    code: Annotated[SecretStr, StringConstraints(max_length=4096)] = SecretStr("")
    error: Annotated[str, StringConstraints(max_length=256)] = ""
    iss: Annotated[str, StringConstraints(max_length=2048)] = ""


class OidcMethod(ResponseModel):
    """Sign-in at an OpenID provider: its name for people, and the address where it starts."""

    name: str
    href: str


class MethodsAnswer(ResponseModel):
    """How people may sign in; `oidc` is null where no OpenID provider is set up."""

    password: Literal[True]
    oidc: OidcMethod | None


class MeAnswer(ResponseModel):
    """Who is calling."""

    kind: Literal["person", "key"]
    id: str
    role: str
    scopes: list[str]
