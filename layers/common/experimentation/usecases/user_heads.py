"""Users' heads with what an erasure left: a user who has none may have had a predecessor of the same id."""

from collections.abc import Iterable

from experimentation.domain.counting.ledger import Head
from experimentation.storage import erasures, users
from experimentation.usecases.runtime import Runtime


def read_heads(user_ids: Iterable[str], runtime: Runtime) -> dict[str, Head]:
    """Return the heads of several users, read consistently."""
    heads = users.read_heads(user_ids)
    return heads | after_erasures([user_id for user_id, head in heads.items() if not head.version], runtime)


def after_erasures(newcomers: Iterable[str], runtime: Runtime) -> dict[str, Head]:
    """Return the heads of those newcomers whose predecessors were erased.

    It costs nothing while nobody was ever erased, and then one read unit a newcomer.
    """
    wanted = list(newcomers)
    pseudonyms = runtime.pseudonyms.read(runtime.clock()) if wanted else None
    if pseudonyms is None or not pseudonyms.key:
        return {}
    names = {pseudonyms.of(user_id): user_id for user_id in wanted}
    return {
        names[each.pseudonym]: Head(base=each.head_version, erased_at=each.erased_at)
        for each in erasures.read_many(names).values()
    }
