"""Warnings about how users and events were counted, shown beside the figures."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from experimentation.domain.counting.counters import EVERYONE
from experimentation.domain.results.totals import Span, Table
from experimentation.domain.statistics.wording import count, percent

MOST = 0.01  # of the enrolled users: more of them late, or crossed over, is worth a warning


class Caveats(NamedTuple):
    """Late enrolments and crossovers by variant, and the event types that are only partly counted."""

    late: Mapping[str, int] = {}
    crossovers: Mapping[str, int] = {}
    partial: frozenset[str] = frozenset()


def caveats(table: Table, variants: Iterable[str], span: Span, partial: frozenset[str]) -> Caveats:
    """Return the caveats up to the end of the span."""
    late: dict[str, int] = {}
    crossovers: dict[str, int] = {}
    for key in variants:
        by_day = table.enrolments.get((EVERYONE, key), {})
        enrolments = [enrolment for day, enrolment in by_day.items() if day <= span.last]
        late[key] = sum(enrolment.late for enrolment in enrolments)
        crossovers[key] = sum(enrolment.crossovers for enrolment in enrolments)
    return Caveats(late, crossovers, partial)


def warnings(found: Caveats, enrolled: Mapping[str, int]) -> list[str]:
    """Return one sentence per warning.

    >>> warnings(Caveats({"a": 1}, {"a": 30}), {"a": 600, "b": 400})[0][:47]
    '30 users (3% of the enrolled) met another varia'
    """
    users = sum(enrolled.values())
    crossed, late = sum(found.crossovers.values()), sum(found.late.values())
    sentences: list[str] = []
    if crossed > MOST * users:
        sentences.append(
            f"{_share(crossed, users)} met another variant than their own: check that what decides in your"
            " program draws by this experiment's salt, weights and traffic."
        )
    if late > MOST * users:
        sentences.append(
            f"{_share(late, users)} were enrolled later than given, because they had done too much since:"
            " what they did before that does not count."
        )
    if found.partial:
        sentences.append(
            f"Not all events of {', '.join(sorted(found.partial))} are counted: some users have more than 200"
            " event types."
        )
    return sentences


def _share(affected: int, users: int) -> str:
    if not users:
        return f"{count(affected)} users"
    return f"{count(affected)} users ({percent(affected / users)} of the enrolled)"
