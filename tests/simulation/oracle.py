"""Compares everything that the API shows with what should be there."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import combinations_with_replacement, product
from math import isclose
from random import Random
from typing import NamedTuple
from urllib.parse import unquote

from experimentation.domain.results.totals import Span, metric_totals
from experimentation.domain.statistics.study import Metric as StudyMetric
from experimentation.domain.statistics.study import VariantTotals
from experimentation.usecases.analysing import Findings
from tests.simulation.api import ms_of, text_of
from tests.simulation.clients import STALE_MS, UNIT, Answered, Sent, Told
from tests.simulation.definitions import Document
from tests.simulation.drawing import drawn
from tests.simulation.expressions import Item
from tests.simulation.origins import Evidence, caveats, enrolments
from tests.simulation.reading import Shown, Window
from tests.simulation.table import Key
from tests.simulation.truth import (
    DAY_MS,
    EVERYONE,
    HOUR_MS,
    Figures,
    Metric,
    Total,
    Truth,
    contradictions,
    figures,
    total_of,
    truths,
)

KEPT_DAYS = 30  # beyond the retention
MOST_WINDOWS = 40  # compared of one segment and type
LONG_AGO, LATEST = -(1 << 40), 1 << 40


@dataclass
class Verdict:
    """What is wrong; all zero and empty when every event counted exactly once."""

    lost: int = 0
    double: int = 0
    wrong_windows: int = 0
    differing: int = 0
    others: list[str] = field(default_factory=list)
    events: int = 0
    assignments: int = 0
    windows: int = 0

    def is_clean(self) -> bool:
        """Tell whether nothing is wrong."""
        return not (self.lost or self.double or self.wrong_windows or self.differing or self.others)


def judge(told: Told, shown: Shown, expired: dict[Key, Item], retention_days: int, now: float) -> Verdict:
    """Compare everything that is shown with what should be."""
    verdict = Verdict(others=list(shown.problems))
    events, gone = _stored_events(told, shown, expired, retention_days, verdict)
    verdict.events = len(events)
    verdict.others += contradictions(told.answers)
    found = truths(told, shown.experiments, shown.history, events, shown.people)
    evidence = Evidence(told)
    kept_from = int(now) - (retention_days + KEPT_DAYS) * DAY_MS
    for truth in found.values():
        verdict.assignments += len(truth.enrolled)
        verdict.others += _answers(truth, told)
        verdict.others += enrolments(
            truth, shown.experiments[truth.name], shown.history[truth.name], shown.people, evidence
        )
        if truth.started_at is not None:
            _judge_counters(truth, shown.findings[truth.name], verdict)
            window, full = shown.windows[truth.name], shown.full[truth.name][0]
            verdict.others += _window(truth, window)
            verdict.others += _full(truth, *shown.full[truth.name])
            for last, body in ((window.last, window.body), (LATEST, full)):
                verdict.others += caveats(truth, shown.people, last, body["late"], body["crossovers"])
        is_long_over = truth.ended_at is not None and truth.ended_at < kept_from + 2_000
        audit = shown.audits.get(truth.name, [])
        if isinstance(audit, list):
            verdict.differing += len(audit)
            verdict.others += [f"verify of {truth.name}: {each}" for each in audit[:3]]
        elif not is_long_over:
            verdict.others.append(f"verify of {truth.name}: {audit!r}")
        verdict.others += _users(truth, shown.exported[truth.name, "users"], is_long_over)
        verdict.others += _events(truth, shown.exported[truth.name, "events"] or [], gone)
    verdict.others += _listed(found, shown)
    verdict.others += _types(shown, (each for times in told.sent.values() for each in times))
    return verdict


def _stored_events(
    told: Told, shown: Shown, expired: dict[Key, Item], retention_days: int, verdict: Verdict
) -> tuple[list[Sent], set[tuple[str, str]]]:
    """Return the events that were stored, as they were sent, and the ids of those that have expired.

    Where the same event was sent at several times, GET /events says which of them was the first.
    """
    at_of = {
        (user_id, each["event_id"]): (ms_of(each["timestamp"]), ms_of(each["received_at"]))
        for user_id, listed in shown.events.items()
        for each in listed
    }
    gone = {
        (partition.removeprefix("USER#"), sort_key.removeprefix("EVENT#")): item
        for (partition, sort_key), item in expired.items()
        if sort_key.startswith("EVENT#")
    }
    verdict.others += _too_early(gone, retention_days)
    at_of |= {key: (int(item["at"]["N"]), int(item["received"]["N"])) for key, item in gone.items()}
    verdict.lost += len(told.accepted - at_of.keys())
    verdict.others += [
        f"{key} was accepted and is not stored" for key in sorted(told.accepted - at_of.keys())[:3]
    ]
    events: list[Sent] = []
    for key, times in at_of.items():
        same = next((each for each in told.sent.get(key, []) if (each.at, each.received) == times), None)
        if same is None:
            verdict.others.append(f"nobody sent {key} of {times}: {told.sent.get(key)}")
        else:
            events.append(same)
    for user_id, listed in shown.events.items():
        for each in listed:
            key = (user_id, each["event_id"])
            if not any(
                (s.type, s.value) == (each["type"], round(each["value"] * UNIT))
                for s in told.sent.get(key, [])
            ):
                verdict.others.append(f"nobody sent {each}")
    return events, set(gone)


def _too_early(gone: dict[tuple[str, str], Item], retention_days: int) -> Iterator[str]:
    """Say which events expired while one of the same id could still have come."""
    for key, item in gone.items():
        kept = int(item["expires_at"]["N"]) - int(item["received"]["N"]) // 1000
        if kept < (retention_days + KEPT_DAYS) * DAY_MS // 1000:
            yield f"{key} expired after {kept} s"


def _answers(truth: Truth, told: Told) -> Iterator[str]:
    """Say who was told something else than what is stored or drawn."""
    for row in told.imported:
        member = truth.enrolled.get(row.user_id) if row.experiment_id == truth.name else None
        if row.experiment_id != truth.name or row.status not in {"stored", "late"}:
            continue
        is_at_its_time = member is not None and member.at == row.at
        if member is None or member.variant != row.variant or is_at_its_time is (row.status == "late"):
            yield f"{row} is {member}"
    for answer in told.answers:
        if answer.experiment_id == truth.name and (wrong := _wrong(truth.definition, answer)):
            yield f"{wrong}, but {answer}"


def _wrong(definition: Document, answer: Answered) -> str | None:
    """Say what an answer should have been; None where it is right."""
    traffic, variant = drawn(definition, answer.user_id)
    override = definition["overrides"].get(answer.user_id)
    if override is not None:
        return None if (answer.reason, answer.variant) == ("override", override) else "overridden"
    if answer.reason == "not_in_traffic" and traffic < definition["traffic_allocation"]:
        return "in traffic"
    enrolling = "assigned" if definition["count_from"] == "assignment" else "drawn"
    if answer.reason in {"assigned", "drawn"} and (answer.reason, answer.variant) != (enrolling, variant):
        return f"{enrolling} {variant}"
    is_now = answer.at is None or answer.asked - STALE_MS < answer.at < answer.given + STALE_MS
    return "it is now" if answer.reason == "assigned" and not is_now else None


def _judge_counters(truth: Truth, findings: list[tuple[Findings, str | None]], verdict: Verdict) -> None:
    zero = (truth.started_at or 0) // DAY_MS
    for found, segment in findings:
        table = found.table
        types = {metric.event_type for metric in found.metrics}
        stored_labels = {unquote(label): label for label, _, _ in table.days}
        stored_labels |= {unquote(label): label for label, _ in table.enrolments}
        seen_days = {day + zero for days in table.days.values() for day in days}
        labels = {
            label for user_id in truth.enrolled for label in truth.labels(user_id)
        } | stored_labels.keys()
        chosen = [each for each in labels if each == EVERYONE or each.partition("=")[0] == segment]
        for label, event_type in product(sorted(chosen), sorted(types)):
            cell = _Cell(found, stored_labels.get(label, label), event_type, zero)
            users = {key: _joined(truth, key, label, event_type) for key in truth.variants}
            days = seen_days | {day for mine in users.values() for _, by_day in mine for day in by_day}
            _judge_cell(cell, users, sorted(days) or [zero], verdict)
        verdict.others += _hours(truth, found, types, zero)
        verdict.others += _covariates(truth, found)


class _Cell(NamedTuple):
    """The counters of one segment and type, whose days count from `zero`."""

    found: Findings
    label: str
    event_type: str
    zero: int

    def shown(self, first: int, last: int) -> dict[str, Figures]:
        """Return what the product makes of them in a window, by variant."""
        values, counts = (
            metric_totals(
                self.found.table,
                self.found.experiment,
                StudyMetric(self.event_type, self.event_type, kind, "increase", None),
                self.label,
                Span(first - self.zero, last - self.zero),
                whole=False,
            ).variants
            for kind in ("value", "count")
        )
        return {
            key: Figures(
                each.users,
                each.converters,
                each.count,
                _units(each.sum, UNIT),
                _units(counts[key].squares, 1),
                _units(each.squares, UNIT * UNIT),
            )
            for key, each in values.items()
        }


def _judge_cell(
    cell: _Cell,
    users: dict[str, list[tuple[int, dict[int, Total]]]],
    days: list[int],
    verdict: Verdict,
) -> None:
    """Compare the whole, and every window or many of them where there are too many."""
    windows = list(combinations_with_replacement(days, 2))
    if len(windows) > MOST_WINDOWS:
        windows = Random(len(windows)).sample(windows, MOST_WINDOWS)
    whole = (days[0], days[-1])
    for window in dict.fromkeys([whole, *windows]):
        shown = cell.shown(*window)
        for variant, mine in users.items():
            verdict.windows += 1
            expected, found = figures(mine, *window), shown[variant]
            if window == whole and cell.label == EVERYONE:
                verdict.lost += max(0, expected.events - found.events)
                verdict.double += max(0, found.events - expected.events)
            if expected != found:
                verdict.wrong_windows += 1
                verdict.others.append(f"{cell[1:]} {variant} {window}: {found}, not {expected}")


def _units(number: Fraction, unit: int) -> int:
    return int(number * unit)


def _hours(truth: Truth, found: Findings, types: Iterable[str], zero: int) -> Iterator[str]:
    """Compare the hours of the whole population."""
    expected: dict[tuple[str, str, int], list[int]] = defaultdict(lambda: [0, 0])
    for member in truth.enrolled.values():
        for event in truth.within[member.user_id]:
            if event.type in types:
                cell = expected[event.type, member.variant, event.at // HOUR_MS]
                cell[0], cell[1] = cell[0] + 1, cell[1] + event.value
    shown: dict[tuple[str, str, int], list[int]] = {}
    for (event_type, variant), days in found.table.hours.items():
        if event_type in types:
            for day, hours in days.items():
                for hour, count in hours.count.items():
                    shown[event_type, variant, (day + zero) * 24 + hour] = [count, hours.sum.get(hour, 0)]
    for key in expected.keys() | shown.keys():
        if expected.get(key, [0, 0]) != shown.get(key, [0, 0]):
            yield f"hour {key} of {truth.name}: {shown.get(key)}, not {expected.get(key)}"


def _covariates(truth: Truth, found: Findings) -> Iterator[str]:
    """Compare CUPED's sums of the declared metrics."""
    for metric in truth.metrics:
        declared = next((each for each in found.metrics if each.key == metric.key), None)
        if declared is None:
            continue
        totals = metric_totals(found.table, found.experiment, declared, EVERYONE, found.span, whole=True)
        for variant in truth.variants:
            expected, shown = truth.covariate(metric, variant), _covariate(metric, totals.variants[variant])
            if shown != (tuple(expected) if metric.has_history else None):
                yield f"CUPED of {truth.name} {metric} {variant}: {shown}, not {expected}"


def _covariate(metric: Metric, totals: VariantTotals) -> tuple[int, int, int] | None:
    unit = UNIT if metric.kind == "value" else 1
    if totals.covariate is None:
        return None
    x, xx, xy = totals.covariate
    return _units(x, unit), _units(xx, unit * unit), _units(xy, unit * unit)


def _full(truth: Truth, body: Document, days_a_step: int) -> Iterator[str]:
    """Compare the answer about the whole experiment, and its days or weeks."""
    if body["enrolled"] != {key: len(truth.members(key, EVERYONE)) for key in truth.variants}:
        yield f"enrolled in {truth.name}: {body['enrolled']}"
    yield from _metrics_of(truth, EVERYONE, LONG_AGO, LATEST, body["metrics"])
    types = {metric.key: metric.type for metric in truth.metrics}
    for row in body["time_series"]:
        day = ms_of(row["start"]) // DAY_MS
        users = _joined(truth, row["variant"], EVERYONE, types[row["metric"]])
        end = day + days_a_step - 1
        today, until = figures(users, day, end), figures(users, LONG_AGO, end)
        new = sum(day <= assigned <= end for assigned, _ in users)
        running = row["cumulative"]
        shown_day = (row["enrolled"], row["count"], row["converters"], row["sum"])
        shown_until = (running["enrolled"], running["count"], running["converters"], running["sum"])
        if shown_day != (new, today.events, today.converters, today.total / UNIT) or shown_until != (
            until.users,
            until.events,
            until.converters,
            until.total / UNIT,
        ):
            yield f"{truth.name}: {row}, not {today}, {until}"


def _window(truth: Truth, window: Window) -> Iterator[str]:
    """Compare the answer about some days, and about each segment in them."""
    yield from _metrics_of(truth, EVERYONE, window.first, window.last, window.body["metrics"])
    labels = {unquote(each["segment"]): each for each in window.body.get("segments", [])}
    for label, body in labels.items():
        users = {
            key: sum(m.at // DAY_MS <= window.last for m in truth.members(key, label))
            for key in truth.variants
        }
        if body["enrolled"] != users:
            yield f"enrolled in {truth.name} {label}: {body['enrolled']}, not {users}"
        yield from _metrics_of(truth, label, window.first, window.last, body["metrics"])
    if window.segment is not None:
        wanted = {
            label
            for user_id in truth.enrolled
            for label in truth.labels(user_id)
            if label.partition("=")[0] == window.segment
        }
        if labels.keys() != wanted:
            yield f"segments of {truth.name}: {set(labels)}, not {wanted}"


def _metrics_of(truth: Truth, label: str, first: int, last: int, shown: list[Document]) -> Iterator[str]:
    metrics = {metric.key: metric for metric in truth.metrics}
    if [each["key"] for each in shown] != list(metrics):
        yield f"metrics of {truth.name}: {[each['key'] for each in shown]}"
        return
    for each in shown:
        metric = metrics[each["key"]]
        for variant, body in each["variants"].items():
            users = _joined(truth, variant, label, metric.type)
            expected = figures(users, first, last)
            counts = (body["users"], body["converters"], body["count"], body["sum"])
            wanted = (expected.users, expected.converters, expected.events, expected.total / UNIT)
            if counts != wanted or not _moments_agree(metric, expected, body):
                yield f"{truth.name} {label} {metric.key} {variant} {first}..{last}: {body}, not {expected}"


def _moments_agree(metric: Metric, expected: Figures, body: Document) -> bool:
    n = expected.users
    if n < 2 or expected.converters > n:  # events of a window before some of its users came
        return True
    total, squares, unit = {
        "value": (expected.total, expected.squared_total, UNIT),
        "count": (expected.events, expected.squared_events, 1),
        "conversion": (expected.converters, expected.converters, 1),
    }[metric.kind]
    mean = Fraction(total, n * unit)
    variance = (Fraction(squares, unit * unit) - n * mean**2) / (n - 1)
    return all(
        body[name] is not None and isclose(body[name], wanted, rel_tol=1e-9, abs_tol=1e-12)
        for name, wanted in (("mean", mean), ("variance", variance))
    )


def _joined(truth: Truth, variant: str, label: str, event_type: str) -> list[tuple[int, dict[int, Total]]]:
    return [(m.at // DAY_MS, truth.days(m, event_type)) for m in truth.members(variant, label)]


def _users(truth: Truth, rows: list[Document] | None, is_long_over: bool) -> Iterator[str]:
    """Compare the export of one row per user."""
    if rows is None:
        if not is_long_over:
            yield f"no export of the users of {truth.name}"
        return
    shown = {row["user_id"]: row for row in rows}
    if shown.keys() != truth.enrolled.keys() or len(rows) != len(shown):
        yield f"exported users of {truth.name}: {list(shown)}, not {list(truth.enrolled)}"
        return
    for user_id, member in truth.enrolled.items():
        expected = _assigned(truth, user_id)
        for metric in truth.metrics:
            unit = UNIT if metric.kind == "value" else 1
            for name, events in (("metric", truth.within), ("before", truth.before)):
                total = total_of(metric.kind, truth.of_type(events, member, metric.type))
                expected[f"{name}_{metric.key}"] = total / unit
        if shown[user_id] != expected:
            yield f"exported user of {truth.name}: {shown[user_id]}, not {expected}"


def _events(truth: Truth, rows: list[Document], gone: set[tuple[str, str]]) -> Iterator[str]:
    """Compare the export of one row per event."""
    shown = sorted(
        (
            row["user_id"],
            row["event_id"] or "",
            row["event_type"] or "",
            row["event_at"] or "",
            row["value"] or 0,
        )
        for row in rows
    )
    expected = []
    for user_id in truth.enrolled:
        mine = [e for e in truth.within[user_id] if (user_id, e.event_id) not in gone]
        expected += [(user_id, e.event_id, e.type, e.at, e.value / UNIT) for e in mine]
        if not mine:
            expected.append((user_id, "", "", "", 0))
    times = [(*row[:3], ms_of(row[3]) if row[3] else "", row[4]) for row in shown]
    if times != sorted(expected, key=lambda row: row[:2]):
        yield f"exported events of {truth.name}: {times}, not {expected}"
        return
    for row in rows:
        wanted = _assigned(truth, row["user_id"])
        if {key: row[key] for key in wanted} != wanted:
            yield f"exported event of {truth.name}: {row}, not {wanted}"


def _assigned(truth: Truth, user_id: str) -> Document:
    member = truth.enrolled[user_id]
    labels = [label.partition("=") for label in truth.labels(user_id) if label != EVERYONE]
    return {
        "experiment_id": truth.name,
        "user_id": user_id,
        "variant": member.variant,
        "assigned_at": text_of(member.at),
        "imported": member.imported,
        "context": member.context,
        **{f"segment_{key}": value for key, _, value in labels},
    }


def _listed(found: dict[str, Truth], shown: Shown) -> Iterator[str]:
    """Compare the list of a user's assignments."""
    for user_id, rows in shown.assignments.items():
        mine = {row["experiment_id"]: (row["variant"], ms_of(row["assigned_at"])) for row in rows}
        expected = {
            name: (truth.enrolled[user_id].variant, truth.enrolled[user_id].at)
            for name, truth in found.items()
            if user_id in truth.enrolled
        }
        if mine != expected or len(mine) != len(rows):
            yield f"assignments of {user_id}: {rows}, not {expected}"


def _types(shown: Shown, events: Iterable[Sent]) -> Iterator[str]:
    """Compare the list of event types: it may lag after faults, but a type it has was sent on such days.

    A duplicate's day may widen it, or be the only one that was noted: it counts as sent, too.
    """
    days: dict[str, list[int]] = defaultdict(list)
    for event in events:
        days[event.type].append(event.at // DAY_MS)
    for event_type, seen in days.items():
        found = shown.types.get(event_type)
        if found and (_day(found["first_day"]) > max(seen) or _day(found["last_day"]) < min(seen)):
            yield f"{event_type} is seen from {min(seen)} to {max(seen)}, not {found}"
    if invented := shown.types.keys() - days.keys():
        yield f"types that nobody sent: {invented}"


def _day(date: str) -> int:
    return ms_of(f"{date}T00:00:00Z") // DAY_MS
