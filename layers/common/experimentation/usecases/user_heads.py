"""Users' heads, and what an erasure left: a user without HEAD may have had an erased predecessor."""

from collections.abc import Collection, Iterable

from experimentation.domain.counting.ledger import Head
from experimentation.storage import erasures, users
from experimentation.usecases.runtime import Runtime


def read_heads(user_ids: Iterable[str], runtime: Runtime) -> dict[str, Head]:
    """Return the heads of several users, read consistently."""
    heads = users.read_heads(user_ids)
    return heads | after_erasures([user_id for user_id, head in heads.items() if not head.version], runtime)


def after_erasures(newcomers: Collection[str], runtime: Runtime) -> dict[str, Head]:
    """Return the heads of those newcomers whose predecessors were erased.

    This costs nothing while nobody was ever erased, and one read unit a newcomer after that.
    """
    if not newcomers:
        return {}
    pseudonyms = runtime.pseudonyms.read(runtime.clock())
    if not pseudonyms.key:
        return {}
    names = {pseudonyms.of(user_id): user_id for user_id in newcomers}
    return {
        names[each.pseudonym]: Head(base=each.head_version, erased_at=each.erased_at)
        for each in erasures.read_many(names).values()
    }
