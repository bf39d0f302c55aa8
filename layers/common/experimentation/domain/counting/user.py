"""One user as stored, and the writes that make another state of it."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import NamedTuple

from experimentation.domain.counting.ledger import Cells, Head
from experimentation.domain.counting.recording import Ledger
from experimentation.domain.counting.stored_text import boundaries_text, ledgers_text
from experimentation.domain.counting.writes import HeadWrite, LedgerWrite, PastWrite, UserWrite

HEAD_LIMIT_BYTES = 900  # one write unit, with room for the attributes' names


class StoredUser(NamedTuple):
    """What was read of a user: the past and the ledgers apart from HEAD only where they are needed.

    `versions` are those of the ledgers apart; 0 is one that HEAD names and the read did not find, because a
    transaction was half visible. Such a read is refused by the condition of its write.
    """

    user_id: str
    ledger: Ledger
    versions: Mapping[str, int] = {}

    @property
    def head(self) -> Head:
        """HEAD as it was read."""
        return self.ledger.head


def changed(before: StoredUser, after: Ledger, touched: Iterable[str]) -> tuple[UserWrite, ...]:
    """Return the writes of HEAD, of the touched ledgers that are or become items, and of PAST."""
    head, moved = spill(after.head)
    writes: list[UserWrite] = [HeadWrite(before.user_id, before.head.version, head)]
    writes += [LedgerWrite(before.user_id, event_type, 0, cells) for event_type, cells in moved.items()]
    for event_type in sorted(before.head.spilled.intersection(touched)):
        version, cells = before.versions[event_type], after.spilled[event_type]
        writes.append(LedgerWrite(before.user_id, event_type, version, cells))
    if after.past != before.ledger.past:
        writes.append(PastWrite(before.user_id, after.past))
    return tuple(writes)


def spill(head: Head) -> tuple[Head, dict[str, Cells]]:
    """Move the largest ledgers out of a head that is too large; return it and what was moved."""
    moved: dict[str, Cells] = {}
    sizes = {name: len(ledgers_text({name: cells})) for name, cells in head.ledgers.items()}
    fixed = len(boundaries_text(head.boundaries).encode()) + sum(map(len, head.spilled))
    while sizes and fixed + sum(sizes.values()) > HEAD_LIMIT_BYTES:
        largest = max(sizes, key=lambda name: (sizes[name], name))
        moved[largest] = head.ledgers[largest]
        fixed += len(largest)
        del sizes[largest]
    if not moved:
        return head, moved
    inline = {name: cells for name, cells in head.ledgers.items() if name not in moved}
    return replace(head, ledgers=inline, spilled=head.spilled | moved.keys()), moved
