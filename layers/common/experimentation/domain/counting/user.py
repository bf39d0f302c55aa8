"""One user as stored, and the writes that change it."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import NamedTuple

from experimentation.domain.counting.ledger import Boundary, Cells, Head, merged
from experimentation.domain.counting.recording import Ledger
from experimentation.domain.counting.stored_text import boundaries_text, ledgers_text
from experimentation.domain.counting.writes import HeadWrite, LedgerWrite, PastWrite, UserWrite

HEAD_LIMIT_BYTES = 900  # one write unit, with room for the attributes' names


class StoredUser(NamedTuple):
    """What was read of a user: the past and the ledgers apart from HEAD only where they are needed.

    `versions` are those of the ledgers apart that were read, 0 where none was found; `past_at` is what HEAD
    said of the past, (past_until, past_k), when the past was written, None where it was not read.
    """

    user_id: str
    ledger: Ledger
    versions: Mapping[str, int] = {}
    past_at: tuple[int, int] | None = None

    @property
    def head(self) -> Head:
        """HEAD as it was read."""
        return self.ledger.head

    @property
    def boundaries(self) -> tuple[Boundary, ...]:
        """The boundaries that were read, in HEAD and PAST, in time order."""
        return merged(self.head, self.ledger.past)

    def is_torn(self) -> bool:
        """Tell whether HEAD and the other items are of different moments: a batch read is no snapshot."""
        if self.past_at not in {None, (self.head.past_until, self.head.past_k)}:
            return True
        return any(self.head.spilled[name] != version for name, version in self.versions.items())


def changed(before: StoredUser, after: Ledger, touched: Iterable[str], room: int) -> tuple[UserWrite, ...]:
    """Return the writes of HEAD, of the touched ledgers that are or become items, and of PAST.

    `room` is how many writes there may be: ledgers that do not fit HEAD become items as far as it allows.
    """
    user_id, versions = before.user_id, dict(after.head.spilled)
    writes: list[UserWrite] = []
    for event_type in sorted(before.head.spilled.keys() & touched):
        version = before.versions[event_type]
        versions[event_type] = version + 1
        writes.append(LedgerWrite(user_id, event_type, version, after.spilled[event_type]))
    if after.past != before.ledger.past:
        writes.append(PastWrite(user_id, after.past, after.head.past_until, after.head.past_k))
    head, moved = spill(replace(after.head, spilled=versions), room - len(writes) - 1)  # HEAD's own
    writes += [LedgerWrite(user_id, event_type, 0, cells) for event_type, cells in moved.items()]
    return (HeadWrite(user_id, before.head.version, head), *writes)


def spill(head: Head, most: int) -> tuple[Head, dict[str, Cells]]:
    """Move the largest ledgers, `most` at most, out of a head that is too large; return it and those."""
    moved: dict[str, Cells] = {}
    sizes = {name: len(ledgers_text({name: cells})) for name, cells in head.ledgers.items()}
    fixed = len(boundaries_text(head.boundaries).encode()) + sum(map(len, head.spilled))
    while sizes and len(moved) < most and fixed + sum(sizes.values()) > HEAD_LIMIT_BYTES:
        # The largest first: the fewest leave, and each that does costs a write with every event of its type.
        largest = max(sizes, key=lambda name: (sizes[name], name))
        moved[largest] = head.ledgers[largest]
        fixed += len(largest)
        del sizes[largest]
    if not moved:
        return head, moved
    inline = {name: cells for name, cells in head.ledgers.items() if name not in moved}
    return replace(head, ledgers=inline, spilled={**head.spilled, **dict.fromkeys(moved, 1)}), moved
