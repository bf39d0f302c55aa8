"""What a transaction writes: every write says what it means, and a transaction whether it fits DynamoDB."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import batched
from math import ceil
from typing import NamedTuple

from experimentation.domain.assignment import Assignment, Crossover
from experimentation.domain.counting.counters import Adds, add_all
from experimentation.domain.counting.event import Event
from experimentation.domain.counting.ledger import Boundary, Cells, Head

MAX_ACTIONS = 100
MAX_COUNTERS = 280  # of one item: an update expression holds 4 KB and, if each term is one, 300 operators
MAX_PARTS = 4  # of one key's counters, each in another shard: an experiment has 4 at least


class HeadWrite(NamedTuple):
    """HEAD, on the condition that its version still is the one that was read."""

    user_id: str
    read_version: int
    head: Head


class LedgerWrite(NamedTuple):
    """The ledger of one event type in an item of its own (METRIC), on the condition of its own version."""

    user_id: str
    event_type: str
    read_version: int
    cells: Cells


class PastWrite(NamedTuple):
    """The boundaries that were put away (PAST), with HEAD's `past_until` and `past_k` that go with them."""

    user_id: str
    boundaries: tuple[Boundary, ...]
    until: int
    k: int


class Uncounted(NamedTuple):
    """An event that is stored and enters no ledger, where there is none with its id yet."""

    event: Event

    @property
    def user_id(self) -> str:
        """Whose event it is."""
        return self.event.user_id


class CounterWrite(NamedTuple):
    """What is added to one counter item of an experiment: a rollup's, or an enrolment's.

    Counters of a key that are too many for one update go to several shards: `part` 0, 1, ...
    """

    experiment_id: str
    key: str
    counters: dict[str, int]
    is_enrolment: bool
    part: int = 0


type UserWrite = HeadWrite | LedgerWrite | PastWrite | Assignment | Crossover | Event | Uncounted
"""A write of one user's own items; an Assignment, a Crossover and an Event only where there is none yet."""

type Write = UserWrite | CounterWrite


@dataclass(frozen=True, slots=True)
class Transaction:
    """Writes that happen together or not at all; counters of one item are one write, whoever's they are."""

    writes: tuple[UserWrite, ...] = ()
    rollups: Adds = field(default_factory=dict)
    enrolments: Adds = field(default_factory=dict)

    def __len__(self) -> int:
        """The number of DynamoDB's actions."""
        return len(self.writes) + parts(self.rollups) + len(self.enrolments)

    def joined(self, other: "Transaction") -> "Transaction":
        """Return both in one."""
        return Transaction(
            self.writes + other.writes,
            _sum(self.rollups, other.rollups),
            _sum(self.enrolments, other.enrolments),
        )

    def fits(self) -> bool:
        """Tell whether DynamoDB takes it as one transaction."""
        return len(self) <= MAX_ACTIONS and all(
            len(counters) <= MAX_COUNTERS * MAX_PARTS for counters in self.rollups.values()
        )

    def user_ids(self) -> set[str]:
        """Return the users whose items it writes."""
        return {write.user_id for write in self.writes}

    def events(self) -> list[Event]:
        """Return the events that it stores, counted or not."""
        return event_writes(self.writes)

    def counted(self) -> list[Event]:
        """Return the events that it counts."""
        return [write for write in self.writes if isinstance(write, Event)]

    def uncounted(self) -> list[Event]:
        """Return the events that it stores without counting them."""
        return [write.event for write in self.writes if isinstance(write, Uncounted)]

    def assignments(self) -> list[Assignment]:
        """Return the assignments that it makes."""
        return [write for write in self.writes if isinstance(write, Assignment)]

    def all_writes(self) -> Iterator[Write]:
        """Yield the users' writes, then the counters'."""
        yield from self.writes
        for adds, is_enrolment in ((self.enrolments, True), (self.rollups, False)):
            for (experiment_id, key), counters in adds.items():
                for part, some in enumerate(batched(counters.items(), MAX_COUNTERS, strict=False)):
                    yield CounterWrite(experiment_id, key, dict(some), is_enrolment, part)


def event_writes(writes: Iterable[UserWrite]) -> list[Event]:
    """Return the events among the writes, counted or not."""
    return [
        write.event if isinstance(write, Uncounted) else write
        for write in writes
        if isinstance(write, Event | Uncounted)
    ]


def parts(adds: Adds) -> int:
    """Return how many items the counters are written to.

    >>> parts({("e", "*#buy#0#control"): {f"q{day}": 1 for day in range(281)}, ("e", "other"): {"n": 1}})
    3
    """
    return sum(ceil(len(counters) / MAX_COUNTERS) for counters in adds.values())


def grouped(transactions: Iterable[Transaction]) -> list[Transaction]:
    """Return the same writes in fewer transactions: neighbours are joined while they fit."""
    groups: list[Transaction] = []
    for each in transactions:
        joined = groups[-1].joined(each) if groups else each
        if groups and joined.fits():
            groups[-1] = joined
        else:
            groups.append(each)
    return groups


def _sum(first: Adds, second: Adds) -> Adds:
    both = {key: dict(counters) for key, counters in first.items()}
    add_all(both, second)
    return both
