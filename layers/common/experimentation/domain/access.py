"""Scopes, and those that each role has."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Literal, NamedTuple, get_args

type Scope = Literal[
    "experiments:read",
    "experiments:write",
    "assignments:read",
    "assignments:write",
    "events:read",
    "events:write",
    "results:read",
]
"""The scopes of API keys; only a person can be an administrator."""

SCOPES: tuple[Scope, ...] = get_args(Scope.__value__)

SHORTEST_PASSWORD = 12
LONGEST_PASSWORD_BYTES = 72  # bcrypt reads no more

ADMIN = "admin"
"""The scope that only the role admin has."""


class AccountRole(StrEnum):
    """An account's role."""

    VIEWER = "viewer"
    USER = "user"
    ADMIN = "admin"


ROLES: Mapping[str, frozenset[str]] = {
    AccountRole.VIEWER: frozenset({"experiments:read", "results:read"}),
    AccountRole.USER: frozenset(SCOPES),
    AccountRole.ADMIN: frozenset({*SCOPES, ADMIN}),
}


class Identity(NamedTuple):
    """A person's id at an OpenID provider (`subject`), with the username and any role that follow from it."""

    subject: str
    username: str
    role: AccountRole | None


def scopes_of(role: str) -> frozenset[str]:
    """Return the scopes of a role; none for one that is not known.

    >>> sorted(scopes_of("viewer")), "admin" in scopes_of("admin"), "admin" in scopes_of("user")
    (['experiments:read', 'results:read'], True, False)
    >>> scopes_of("root")
    frozenset()
    """
    return ROLES.get(role, frozenset())


def highest_role(values: Iterable[str], roles: Mapping[str, str]) -> AccountRole | None:
    """Return the highest role that `roles` gives to any of the values; None when it gives none.

    >>> highest_role(["staff", "ops"], {"staff": "viewer", "ops": "admin"})
    <AccountRole.ADMIN: 'admin'>
    >>> highest_role(["root", "guests"], {"guests": "owner"})
    """
    granted = {roles.get(value) for value in values}
    return next((role for role in reversed(AccountRole) if role in granted), None)
