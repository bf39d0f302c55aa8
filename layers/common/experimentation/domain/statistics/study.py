"""The input of an analysis: the declared experiment, its progress, the query, exact sums per variant."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, NamedTuple

from experimentation.domain.experiment import Adjustment, Analysis, Direction, Kind, Role
from experimentation.domain.statistics.cuped import PairedMoments
from experimentation.domain.statistics.moments import Exact, Moments, exact_moments
from experimentation.domain.statistics.sequential import DEFAULT_TUNING_N

type Correction = Literal["holm", "bh", "none"]

ERROR_RATE = 0.05  # of every declared test; fixed when the experiment starts and never moved by a query
POWER = 0.8
PRIOR_SD = 0.1  # of true lifts: an estimate at an early stop is shrunken towards 0 by this prior
_MILLION = 1_000_000
_LEAST_OUTCOMES = 10  # converters, and users who did not convert, in each arm
_LEAST_ACTIVE = 100  # users with an event, in the smaller arm


class Metric(NamedTuple):
    """A metric; a role of None marks an event type asked for after the fact.

    `late`: it was added after the start, so it is exploratory.
    `margin` is how much worse, relative to the control, a guardrail may be and still count as safe.
    """

    key: str
    event_type: str
    kind: Kind
    direction: Direction
    role: Role | None
    late: bool = False
    margin: float | None = None
    name: str | None = None

    @property
    def title(self) -> str:
        """Return what people call it."""
        return self.name or self.key

    @property
    def is_rate(self) -> bool:
        """Say whether it is the share of users who did it at all."""
        return self.kind is Kind.CONVERSION

    @property
    def decides(self) -> bool:
        """Say whether it was declared before the first look."""
        return self.role is not None and not self.late


class CovariateSums(NamedTuple):
    """Exact sums over a variant's users of x (their total before the assignment), x^2 and x * y."""

    sum_x: Exact
    sum_xx: Exact
    sum_xy: Exact


@dataclass(frozen=True, slots=True)
class VariantTotals:
    """Exact totals of one metric's events in one variant.

    `squares` is the sum over users of their squared total: of the number of events for the kind "count", of
    the values for "value"; "conversion" does not use it.
    """

    users: int
    converters: int
    count: int
    sum: Exact
    squares: Exact
    covariate: CovariateSums | None = None


class MetricTotals(NamedTuple):
    """A metric together with its totals by variant key."""

    metric: Metric
    variants: Mapping[str, VariantTotals]


class Study(NamedTuple):
    """What the experiment declared before it started; weights are millionths by variant key, in order.

    `primary_metrics` counts those declared by the start. `names` are the variants' display names.
    """

    control: str
    weights: Mapping[str, int]
    analysis: Analysis
    primary_metrics: int
    planned_users: int | None
    min_users: int
    min_days: int
    minimum_effect: float | None
    adjustment: Adjustment = Adjustment.CUPED
    names: Mapping[str, str] = {}

    @property
    def others(self) -> list[str]:
        """Return the variants other than the control, in order."""
        return [variant for variant in self.weights if variant != self.control]

    @property
    def treatments(self) -> list[str]:
        """Return the variants that are compared and decided on: those of weight above 0."""
        return [variant for variant in self.others if self.weights[variant] > 0]

    @property
    def active(self) -> list[str]:
        """Return the variants of weight above 0, in order."""
        return [variant for variant, weight in self.weights.items() if weight > 0]

    def title(self, variant: str) -> str:
        """Return what people call a variant."""
        return self.names.get(variant) or variant


class Progress(NamedTuple):
    """How far the experiment is; users per day are a recent average, all variants together.

    `at_look`: these are the figures of a daily look; group_sequential decides only at those. A `paused`
    experiment has no looks.
    """

    days_running: int
    completed: bool
    users_per_day: float | None
    started: bool = True
    at_look: bool = False
    paused: bool = False


class Query(NamedTuple):
    """The reader's query; `declared`: of the whole experiment and population, with every declared metric."""

    confidence_level: float = 0.95
    correction: Correction = "holm"
    declared: bool = True

    @property
    def alpha(self) -> float:
        """Return the error rate of the shown intervals, rounded so that 0.95 gives 0.05."""
        return round(1 - self.confidence_level, 12)


def family_size(study: Study, metric: Metric) -> int:
    """Return how many tests share the error rate of this metric's test.

    Source: STATISTICS 6: primary metrics x treatments in one Bonferroni family; other roles stand alone.
    """
    return max(1, study.primary_metrics * len(study.treatments)) if metric.role is Role.PRIMARY else 1


def tuning_n(study: Study, treatment: str) -> float:
    """Return N*, the number of users of both arms at which the confidence sequence is tightest.

    Source: STATISTICS 4: the pair's share of planned_users, else 5000 (also for a pair without any weight,
    which has users by import only).
    """
    share = study.weights[study.control] + study.weights[treatment]
    if not study.planned_users or not share:
        return DEFAULT_TUNING_N
    return study.planned_users * share / _MILLION


def plan_met(study: Study, progress: Progress, enrolled: int) -> bool:
    """Say whether planned_users and min_days are both reached; never without planned_users."""
    return bool(
        study.planned_users and enrolled >= study.planned_users and progress.days_running >= study.min_days
    )


def enough_days(study: Study, progress: Progress) -> bool:
    """Say whether the experiment has run for its min_days."""
    return progress.days_running >= study.min_days


def metric_moments(metric: Metric, totals: VariantTotals) -> Moments:
    """Return the per-user moments that the metric's kind looks at.

    >>> metric = Metric("a", "a", Kind.CONVERSION, Direction.INCREASE, Role.PRIMARY)
    >>> metric_moments(metric, VariantTotals(9, 4, 7, 7, 13)).sum
    Fraction(4, 1)
    """
    if metric.is_rate:
        return exact_moments(totals.users, totals.converters, totals.converters)
    total = totals.count if metric.kind is Kind.COUNT else totals.sum
    return exact_moments(totals.users, total, totals.squares)


def paired_moments(metric: Metric, totals: VariantTotals) -> PairedMoments | None:
    """Return the moments with the pre-experiment covariate; None where it was not counted."""
    if totals.covariate is None:
        return None
    covariate = (Fraction(total) for total in totals.covariate)
    return PairedMoments(*metric_moments(metric, totals), *covariate)


def is_small_sample(metric: Metric, control: VariantTotals, treatment: VariantTotals) -> bool:
    """Say whether too few users did (or did not do) it for the normal approximation to hold.

    Source: STATISTICS 3; without the guard an unbalanced 1 % rate gave 27 % false positives.

    >>> metric = Metric("a", "a", Kind.CONVERSION, Direction.INCREASE, Role.PRIMARY)
    >>> many = VariantTotals(100, 50, 50, 50, 50)
    >>> [is_small_sample(metric, many, VariantTotals(100, n, n, n, n)) for n in (9, 10, 90, 91)]
    [True, False, False, True]
    """
    arms = control, treatment
    if metric.is_rate:
        return any(min(arm.converters, arm.users - arm.converters) < _LEAST_OUTCOMES for arm in arms)
    return min((arm.users, arm.converters) for arm in arms)[1] < _LEAST_ACTIVE
