"""Deleting a person: the API keys that they own end, or are handed over to somebody else."""

from collections.abc import Sequence

from experimentation.domain.errors import ConflictError, NotFoundError
from experimentation.storage.access import accounts, api_keys, audit
from experimentation.storage.access.api_keys import ApiKey
from experimentation.storage.access.audit import Deed, Origin


def remove(username: str, heir: str | None, *, ends_keys: bool, origin: Origin) -> None:
    """Delete a person; ConflictError where their keys are not provided for, or no admin would be left.

    The person is deleted first, so that a refusal leaves the keys alone; repeating a call that failed in
    between settles the rest.
    """
    keys = api_keys.owned_by(username)
    if keys and not ends_keys and heir is None:
        raise ConflictError(f"{username} answers for API keys ({len(keys)}): say keys=end or keys=hand_over.")
    try:
        accounts.delete(username, [audit.writing(Deed.ACCOUNT_DELETED, origin, username)])
    except NotFoundError:
        if not keys:
            raise
    settle(keys, heir, origin)


def settle(keys: Sequence[ApiKey], heir: str | None, origin: Origin) -> None:
    """Hand keys over to the heir, or end them where there is none."""
    for key in keys:
        if heir is None:
            record = audit.writing(Deed.KEY_ENDED, origin, key.id, key.name)
            api_keys.end(key.id, [record])
        else:
            record = audit.writing(Deed.KEY_HANDED_OVER, origin, key.id, f"{key.owner} -> {heir}")
            api_keys.hand_over(key, heir, [record])
