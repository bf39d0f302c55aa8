"""Who may do what: the scopes, and those that each role has."""

from enum import StrEnum

SCOPES = (
    "experiments:read",
    "experiments:write",
    "assignments:read",
    "assignments:write",
    "events:read",
    "events:write",
    "results:read",
)
"""What an API key can be given; the right to administer is a person's alone."""

LONGEST_PASSWORD_BYTES = 72  # bcrypt reads no more

ADMIN = "admin"
"""The scope that the role admin adds."""


class AccountRole(StrEnum):
    """What a person is."""

    USER = "user"
    ADMIN = "admin"


def scopes_of(role: str) -> frozenset[str]:
    """Return the scopes of a role.

    >>> "admin" in scopes_of("admin"), "admin" in scopes_of("user")
    (True, False)
    """
    return frozenset(SCOPES) | ({ADMIN} if role == AccountRole.ADMIN else frozenset())
