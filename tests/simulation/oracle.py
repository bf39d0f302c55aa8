"""What should be stored, from a brute-force join of the raw events with the assignments, against what is."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations_with_replacement, product
from typing import NamedTuple

from experimentation.domain.clock import DAY_MS, HOUR_MS, day_number
from experimentation.domain.counting.compaction import LONG_AGO
from experimentation.domain.counting.counters import (
    BEFORE,
    EVERYONE,
    HOURS,
    enrolment_key,
    hour_key,
    labels,
    relative_day,
)
from experimentation.domain.counting.event import Event
from experimentation.domain.counting.ledger import END
from experimentation.domain.counting.stored import Day, day_of
from experimentation.domain.counting.stored_text import boundaries_of, cells_of
from experimentation.domain.counting.windows import WindowTotals, add_counters, window
from experimentation.domain.experiment import Experiment, Kind
from experimentation.storage import events as event_items
from experimentation.storage import experiment_items, users
from experimentation.storage.assignments import Assignment, _assignment
from tests.simulation.clients import TYPES, Told
from tests.simulation.expressions import Item
from tests.simulation.table import Table

type Counters = dict[str, int]
type Cell = tuple[str, str, str]
"""Variant, segment, event type."""


class Total(NamedTuple):
    """One user's events of one type on one day of an experiment."""

    events: int = 0
    total: int = 0


@dataclass
class Verdict:
    """What is wrong; all zero and empty when every event counted exactly once."""

    lost: int = 0
    double: int = 0
    wrong_windows: int = 0
    others: list[str] = field(default_factory=list)
    events: int = 0
    assignments: int = 0
    windows: int = 0

    def is_clean(self) -> bool:
        """Tell whether nothing is wrong."""
        return not (self.lost or self.double or self.wrong_windows or self.others)


class Stored:
    """What the table holds, read without the product's queries."""

    def __init__(self, table: Table) -> None:
        self.events: dict[tuple[str, str], Event] = {}
        self.assignments: dict[tuple[str, str], Assignment] = {}
        self.experiments: dict[str, Experiment] = {}
        self.heads: dict[str, users.Head] = {}
        self.spilled: dict[tuple[str, str], users.Cells] = {}
        self.past: dict[str, tuple[users.Boundary, ...]] = {}
        self.types: dict[str, tuple[int, int]] = {}
        self.rollups: dict[str, dict[str, list[Counters]]] = defaultdict(lambda: defaultdict(list))
        self.enrolments: dict[str, dict[str, list[Counters]]] = defaultdict(lambda: defaultdict(list))
        for (partition, sort_key), item in table.items.items():
            self._take(partition.split("#")[0], sort_key.split("#")[0], partition, sort_key, item)

    def _take(self, entity: str, kind: str, partition: str, sort_key: str, item: Item) -> None:
        if entity == "USER":
            self._take_user(kind, partition.removeprefix("USER#"), sort_key, item)
        elif entity == "ASSIGN":
            assignment = _assignment(item)
            self.assignments[assignment.experiment_id, assignment.user_id] = assignment
        elif entity == "EXP" and kind == "META":
            experiment = experiment_items.from_meta(item)
            self.experiments[experiment.id] = experiment
        elif entity in {"ROLLUP", "ENROL"}:
            counters = {n: int(v["N"]) for n, v in item.items() if "N" in v and n not in {"w", "t"}}
            _, name, _, _ = partition.split("#")
            (self.rollups if entity == "ROLLUP" else self.enrolments)[name][sort_key].append(counters)
        elif entity == "TYPES":
            self.types[sort_key] = tuple(  # type: ignore[assignment]
                int(item[name]["N"]) if name in item else -1 for name in ("first_day", "last_day")
            )

    def _take_user(self, kind: str, user_id: str, sort_key: str, item: Item) -> None:
        if kind == "HEAD":
            self.heads[user_id] = users._head(item)
        elif kind == "EVENT":
            self.events[user_id, sort_key.removeprefix("EVENT#")] = event_items._event(item)
        elif kind == "METRIC":
            cells = cells_of(item["m"]["S"])
            self.spilled[user_id, sort_key.removeprefix("METRIC#")] = cells
        elif kind == "PAST":
            self.past[user_id] = boundaries_of(item["b"]["S"])

    def merged(self, name: str) -> dict[str, Counters]:
        """Return an experiment's rollups over all shards."""
        return _merged(self.rollups[name])


def _merged(shards: Mapping[str, list[Counters]]) -> dict[str, Counters]:
    merged: dict[str, Counters] = {}
    for key, items in shards.items():
        for counters in items:
            add_counters(merged.setdefault(key, {}), counters)
    return merged


def judge(table: Table, told: Told) -> Verdict:
    """Compare everything that is stored with what it should be."""
    stored, verdict = Stored(table), Verdict()
    verdict.events, verdict.assignments = len(stored.events), len(stored.assignments)
    by_user: dict[str, list[Event]] = defaultdict(list)
    for event in stored.events.values():
        by_user[event.user_id].append(event)
    _judge_events(stored, told, verdict)
    _judge_assignments(stored, told, verdict)
    _judge_ledgers(stored, by_user, verdict)
    _judge_types(stored, verdict)
    for experiment in stored.experiments.values():
        if experiment.started_at is not None:
            _judge_rollups(stored, experiment, by_user, verdict)
            _judge_enrolments(stored, experiment, verdict)
    return verdict


def _judge_events(stored: Stored, told: Told, verdict: Verdict) -> None:
    missing = told.accepted - stored.events.keys()
    verdict.lost += len(missing)
    for key, event in stored.events.items():
        sent = told.sent.get(key, [])
        if not any((each.type, each.value) == (event.type, event.value) for each in sent):
            verdict.others.append(f"nobody sent {event}")


def _judge_assignments(stored: Stored, told: Told, verdict: Verdict) -> None:
    for answer in told.answers:
        kept = stored.assignments.get((answer.experiment_id, answer.user_id))
        if kept is None or (kept.variant, kept.assigned_at) != (answer.variant, answer.assigned_at):
            verdict.others.append(f"answered {answer}, stored {kept}")
    for (name, user_id), kept in stored.assignments.items():
        ended_at = stored.experiments[name].ended_at
        if ended_at is not None and kept.assigned_at >= ended_at:
            verdict.others.append(f"assigned after the end at {ended_at}: {kept}")
        boundaries = stored.heads[user_id].boundaries + stored.past.get(user_id, ())
        mine = [b for b in boundaries if b.experiment_id == name]
        if [(b.variant, b.at) for b in mine if b.variant != END] != [(kept.variant, kept.assigned_at)]:
            verdict.others.append(f"{kept} but the boundaries {mine}")
        if sum(b.variant == END for b in mine) > 1:
            verdict.others.append(f"ended twice: {mine}")


def _judge_ledgers(stored: Stored, by_user: Mapping[str, list[Event]], verdict: Verdict) -> None:
    for user_id, head in stored.heads.items():
        kept: Counter[tuple[str, int, str]] = Counter()
        truth: Counter[tuple[str, int, str]] = Counter()
        ledgers = dict(head.ledgers) | {t: stored.spilled.get((user_id, t), {}) for t in head.spilled}
        compacted = {event_type for event_type, cells in ledgers.items() if LONG_AGO in cells}
        for event_type, cells in ledgers.items():
            for (day, _), (count, total) in cells.items():
                place = 0 if event_type in compacted else day
                kept[event_type, place, "n"] += count
                kept[event_type, place, "s"] += total
        for event in by_user.get(user_id, []):
            place = 0 if event.type in compacted else day_number(event.at)
            truth[event.type, place, "n"] += 1
            truth[event.type, place, "s"] += event.value
        if _nonzero(kept) != _nonzero(truth):
            verdict.others.append(f"the ledgers of {user_id} are not his events: {head}")
        latest = max((event.at for event in by_user.get(user_id, [])), default=0)
        if head.last != latest:
            verdict.others.append(f"{user_id}'s last event was at {latest}, his head says {head.last}")
    for user_id in by_user.keys() - stored.heads.keys():
        verdict.others.append(f"{user_id} has events and no head")


def _judge_types(stored: Stored, verdict: Verdict) -> None:
    days: dict[str, list[int]] = defaultdict(list)
    for event in stored.events.values():
        days[event.type].append(day_number(event.at))
    for event_type, seen in days.items():
        first, last = stored.types.get(event_type, (1 << 40, 0))
        if not 0 <= first <= min(seen) <= max(seen) <= last:  # a duplicate's day may be another
            verdict.others.append(
                f"{event_type} is seen from {min(seen)} to {max(seen)}, not {stored.types.get(event_type)}"
            )


def _counts(experiment: Experiment, assignment: Assignment, event: Event) -> bool:
    return event.at >= assignment.assigned_at and (
        experiment.ended_at is None or event.at < experiment.ended_at
    )


def _assigned(stored: Stored, experiment: Experiment) -> Iterator[Assignment]:
    return (each for (name, _), each in stored.assignments.items() if name == experiment.id)


@dataclass
class _Truth:
    """What the rollups of one experiment should say."""

    days: dict[Cell, dict[str, dict[int, Total]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(dict))
    )
    hours: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    covariates: dict[tuple[str, str], Counters] = field(default_factory=lambda: defaultdict(dict))


def _truth(stored: Stored, experiment: Experiment, by_user: Mapping[str, list[Event]]) -> _Truth:
    truth = _Truth()
    for assignment in _assigned(stored, experiment):
        counted: dict[str, list[int]] = defaultdict(list)
        earlier: dict[str, list[int]] = defaultdict(list)
        for event in by_user.get(assignment.user_id, []):
            if event.at < assignment.assigned_at:
                earlier[event.type].append(event.value)
            elif _counts(experiment, assignment, event):
                counted[event.type].append(event.value)
                _count(truth, experiment, assignment, event)
        for event_type in TYPES:
            sums = _covariates(experiment, event_type, earlier[event_type], counted[event_type])
            add_counters(truth.covariates[event_type, assignment.variant], sums)
    return truth


def _count(truth: _Truth, experiment: Experiment, assignment: Assignment, event: Event) -> None:
    day, variant = relative_day(experiment, event.at), assignment.variant
    for segment in (EVERYONE, *labels(experiment.segments, assignment.context)):
        mine = truth.days[variant, segment, event.type][event.user_id]
        before = mine.get(day, Total())
        mine[day] = Total(before.events + 1, before.total + event.value)
    hour = event.at % DAY_MS // HOUR_MS
    counters = truth.hours[hour_key(event.type, day, variant)]
    counters[f"n{hour:02d}"] += 1
    counters[f"s{hour:02d}"] += event.value


def _judge_rollups(
    stored: Stored, experiment: Experiment, by_user: Mapping[str, list[Event]], verdict: Verdict
) -> None:
    merged, truth = stored.merged(experiment.id), _truth(stored, experiment, by_user)
    _judge_windows(merged, truth.days, verdict)
    hours = {key: each for key, each in merged.items() if key.startswith(f"{HOURS}#")}
    for key in hours.keys() | truth.hours.keys():
        found, expected = hours.get(key, {}), truth.hours.get(key, Counter())
        if _nonzero(found) != _nonzero(expected):
            verdict.others.append(f"hours of {experiment.id} {key}: {found}, not {expected}")
    for variant, event_type in product(experiment.keys, TYPES):
        sums: Counters = {}
        for key, counters in merged.items():
            if key.startswith(f"{EVERYONE}#{event_type}#") and key.endswith(f"#{variant}"):
                add_counters(sums, {n: v for n, v in counters.items() if n.startswith("x")})
        expected = truth.covariates[event_type, variant]
        if _nonzero(sums) != _nonzero(expected):
            name = f"{experiment.id} {event_type} {variant}"
            verdict.others.append(f"CUPED of {name}: {sums}, not {expected}")


def _judge_windows(
    merged: Mapping[str, Counters],
    truth: Mapping[Cell, Mapping[str, Mapping[int, Total]]],
    verdict: Verdict,
) -> None:
    kept: dict[Cell, dict[int, Day]] = defaultdict(dict)
    for key, counters in merged.items():
        parts = key.split("#")
        if parts[0] != HOURS and parts[2] != BEFORE:
            kept[parts[3], parts[0], parts[1]][int(parts[2])] = day_of(counters)
    for cell in kept.keys() | truth.keys():
        of_users = list(truth.get(cell, {}).values())
        seen = {day for mine in of_users for day in mine} | kept[cell].keys()
        if cell[1] == EVERYONE:
            expected = sum(total.events for mine in of_users for total in mine.values())
            found = sum(day.count for day in kept[cell].values())
            verdict.lost += max(0, expected - found)
            verdict.double += max(0, found - expected)
        for start, end in combinations_with_replacement(sorted(seen), 2):
            verdict.windows += 1
            if window(kept[cell], start, end) != _joined(of_users, start, end):
                verdict.wrong_windows += 1


def _joined(of_users: list[Mapping[int, Total]], start: int, end: int) -> WindowTotals:
    converters = events = total = squared_totals = squared_counts = 0
    for mine in of_users:
        inside = [each for day, each in mine.items() if start <= day <= end]
        if inside:
            n, s = sum(each.events for each in inside), sum(each.total for each in inside)
            converters, events, total = converters + 1, events + n, total + s
            squared_totals, squared_counts = squared_totals + s * s, squared_counts + n * n
    return WindowTotals(converters, events, total, squared_totals, squared_counts)


def _covariates(
    experiment: Experiment, event_type: str, before: list[int], counted: list[int]
) -> dict[str, int]:
    kinds = {m.kind for m in experiment.metrics if m.event_type == event_type}
    x, y = sum(before), sum(counted)
    sums: dict[str, int] = {}
    if Kind.VALUE in kinds:
        sums |= {"xv": x, "xvv": x * x, "xvy": x * y}
    if Kind.COUNT in kinds:
        sums |= {"xc": len(before), "xcc": len(before) ** 2, "xcy": len(before) * len(counted)}
    if Kind.CONVERSION in kinds and before:
        sums |= {"xb": 1, "xby": int(bool(counted))}
    return sums


def _judge_enrolments(stored: Stored, experiment: Experiment, verdict: Verdict) -> None:
    truth: dict[str, Counters] = defaultdict(Counter)
    for each in _assigned(stored, experiment):
        day = relative_day(experiment, each.assigned_at)
        hour = each.assigned_at % DAY_MS // HOUR_MS
        for segment in (EVERYONE, *labels(experiment.segments, each.context)):
            counters = truth[enrolment_key(segment, day, each.variant)]
            add_counters(counters, {"n": 1, f"h{hour:02d}": 1})
    kept = _merged(stored.enrolments[experiment.id])
    if {k: dict(v) for k, v in truth.items()} != kept:
        verdict.others.append(f"enrolments of {experiment.id}: {kept}, not {dict(truth)}")


def _nonzero[Key](counters: Mapping[Key, int]) -> dict[Key, int]:
    return {key: value for key, value in counters.items() if value}
