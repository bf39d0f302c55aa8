"""How long an experiment still takes: recent users per day, and the days until a verdict may be expected."""

from collections.abc import Mapping, Sequence
from math import ceil, inf
from typing import NamedTuple

from experimentation.domain.experiment import Analysis, Role
from experimentation.domain.statistics.power import required_multiple
from experimentation.domain.statistics.study import ERROR_RATE, POWER, Progress, Study, family_size, tuning_n
from experimentation.domain.statistics.verdict import Judged, least_effect

RECENT_DAYS = 7
LEAST_DAYS = 2.0
LEAST_USERS = 30
_DAY_MS = 86_400_000
_MILLION = 1_000_000
_ROUNDING = 1e-9  # days: a quotient a rounding error above a whole number must not become one day more


def users_per_day(enrolled: Mapping[int, int], started_at: int, now: int) -> float | None:
    """Return the users enrolled a day over the last 7 UTC days; None until that rests on something.

    `enrolled` counts by UTC day since 1970. A day that has only partly passed counts as the part it is.
    Source: STATISTICS 11: two full days and 30 users at least.

    >>> day = 86_400_000
    >>> users_per_day({0: 500, 1: 1000, 2: 500}, started_at=day // 2, now=2 * day + day // 2)
    1000.0
    >>> users_per_day({0: 500, 1: 1000}, started_at=day // 2, now=2 * day) is None
    True
    """
    today = now // _DAY_MS
    first = max(today - RECENT_DAYS + 1, started_at // _DAY_MS)
    days = (now - max(started_at, first * _DAY_MS)) / _DAY_MS
    users = sum(count for day, count in enrolled.items() if first <= day <= today)
    return users / days if days >= LEAST_DAYS and users >= LEAST_USERS else None


def days_left(
    study: Study, progress: Progress, enrolled: Mapping[str, int], judged: Sequence[Judged]
) -> int | None:
    """Return the days until a verdict may be expected: never before min_days and min_users are reached.

    fixed and group_sequential end at planned_users; the sequence is expected to end where it finds the
    minimum effect with 80 % power, or at planned_users if that is sooner. None where nothing can be said.
    Source: STATISTICS 11: ceil((required - now) / users per day).
    """
    if progress.completed or progress.paused or not study.active:
        return None
    target = _target_users(study, enrolled, judged)
    if target is None:
        return None
    missing = _missing(study, enrolled, target)
    rate = progress.users_per_day or 0.0
    if missing and not rate:
        return None
    days = [each.users / (rate * each.share) for each in missing]
    return ceil(max(study.min_days - progress.days_running, 0, *days) - _ROUNDING)


class _Missing(NamedTuple):
    """Users who are still missing, and the share of all users that may fill the gap."""

    users: float
    share: float


def _missing(study: Study, enrolled: Mapping[str, int], target: float) -> list[_Missing]:
    """Return the users that all variants together, and each of them for min_users, still need."""
    needs = [_Missing(target - sum(enrolled.values()), 1.0)] + [
        _Missing(study.min_users - enrolled.get(variant, 0), study.weights[variant] / _MILLION)
        for variant in study.active
    ]
    return [need for need in needs if need.users > 0]


def _target_users(study: Study, enrolled: Mapping[str, int], judged: Sequence[Judged]) -> float | None:
    """Return the users, all variants together, at which a verdict may be expected."""
    if study.analysis is not Analysis.SEQUENTIAL:
        return study.planned_users
    required = _required_users(study, enrolled, judged)
    return min((users for users in (required, study.planned_users) if users), default=None)


def _required_users(study: Study, enrolled: Mapping[str, int], judged: Sequence[Judged]) -> float | None:
    """Return the users, all variants together, at which every primary metric can show the minimum effect."""
    primaries = [each for each in judged if each.metric.role is Role.PRIMARY]
    multiples = [
        _required_multiple(study, enrolled, each, treatment)
        for each in primaries
        for treatment in study.treatments
    ]
    most = max(multiples, default=inf)
    return None if most == inf else most * sum(enrolled.values())


def _required_multiple(study: Study, enrolled: Mapping[str, int], judged: Judged, treatment: str) -> float:
    """Return how many times today's users a metric needs; infinitely many where nothing can be said."""
    comparison = judged.comparisons[treatment]
    least = least_effect(study, judged.control_mean)
    adjusted = comparison.cuped.variance_reduction if comparison.cuped.decides else None
    if least is None or comparison.se is None:
        return inf
    multiple = required_multiple(
        least / (comparison.se * (1 - (adjusted or 0.0)) ** 0.5),
        enrolled[study.control] + enrolled[treatment],
        ERROR_RATE / family_size(study, judged.metric),
        POWER,
        tuning_n(study, treatment),
    )
    return inf if multiple is None else multiple
