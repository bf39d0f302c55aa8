"""What an analysis is given: the declared experiment, its progress, the question, exact sums per variant."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, NamedTuple

from experimentation.domain.statistics.cuped import PairedMoments
from experimentation.domain.statistics.decision import Direction
from experimentation.domain.statistics.moments import Exact, Moments, exact_moments
from experimentation.domain.statistics.sequential import DEFAULT_TUNING_N

type Kind = Literal["conversion", "count", "value"]
type Role = Literal["primary", "secondary", "guardrail"]
type AnalysisMode = Literal["sequential", "fixed"]
type Correction = Literal["holm", "bh", "none"]

ERROR_RATE = 0.05  # of every declared test; fixed when the experiment starts and never moved by a query
POWER = 0.8
_MILLION = 1_000_000
_LEAST_OUTCOMES = {"conversion": 10, "count": 100, "value": 100}


class Metric(NamedTuple):
    """A metric; a role of None marks an event type asked for after the fact."""

    key: str
    event_type: str
    kind: Kind
    direction: Direction
    role: Role | None


class CovariateSums(NamedTuple):
    """Exact sums over a variant's users of x (their total before the assignment), x^2 and x * y."""

    sum_x: Exact
    sum_xx: Exact
    sum_xy: Exact


@dataclass(frozen=True, slots=True)
class VariantTotals:
    """Exact totals of one metric's events in one variant.

    `squares` is the sum over users of the squared total that the metric's kind looks at: of the number of
    events for "count", of the values for "value"; for "conversion" it is not used.
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
    """What the experiment declared before it started; weights are millionths by variant key, in order."""

    control: str
    weights: Mapping[str, int]
    analysis: AnalysisMode
    primary_metrics: int
    planned_users: int | None
    min_users: int
    min_days: int
    minimum_effect: float | None

    @property
    def treatments(self) -> list[str]:
        """Return the variants other than the control, in order."""
        return [variant for variant in self.weights if variant != self.control]


class Progress(NamedTuple):
    """How far the experiment is; users per day are an average over the last 7 days, all variants together."""

    days_running: int
    completed: bool
    users_per_day: float | None


class Query(NamedTuple):
    """How the reader asked; `declared`: whole experiment and population, every declared metric present."""

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
    return max(1, study.primary_metrics * len(study.treatments)) if metric.role == "primary" else 1


def tuning_n(study: Study, treatment: str) -> float:
    """Return N*, the number of users of both arms at which the confidence sequence is tightest.

    Source: STATISTICS 4: the pair's share of planned_users, else 5000 (also for a pair without any weight,
    which has users by import only).
    """
    share = study.weights[study.control] + study.weights[treatment]
    if not study.planned_users or not share:
        return DEFAULT_TUNING_N
    return study.planned_users * share / _MILLION


def planned_end_reached(study: Study, progress: Progress, enrolled: int) -> bool:
    """Say whether the declared end is reached: completed, or planned_users and min_days both."""
    if progress.completed:
        return True
    return (
        bool(study.planned_users) and enrolled >= (study.planned_users or 0) and enough_days(study, progress)
    )


def enough_days(study: Study, progress: Progress) -> bool:
    """Say whether the experiment has run for its min_days."""
    return progress.days_running >= study.min_days


def metric_moments(metric: Metric, totals: VariantTotals) -> Moments:
    """Return the per-user moments that the metric's kind looks at.

    >>> metric = Metric("a", "a", "conversion", "increase", "primary")
    >>> metric_moments(metric, VariantTotals(9, 4, 7, 7, 13)).sum
    Fraction(4, 1)
    """
    if metric.kind == "conversion":
        return exact_moments(totals.users, totals.converters, totals.converters)
    total = totals.count if metric.kind == "count" else totals.sum
    return exact_moments(totals.users, total, totals.squares)


def paired_moments(metric: Metric, totals: VariantTotals) -> PairedMoments | None:
    """Return the moments with the pre-experiment covariate; None where no history was kept."""
    if totals.covariate is None:
        return None
    covariate = (Fraction(total) for total in totals.covariate)
    return PairedMoments(*metric_moments(metric, totals), *covariate)


def is_small_sample(metric: Metric, totals: VariantTotals) -> bool:
    """Say whether too few users did (or did not do) it for the normal approximation to hold.

    Source: STATISTICS 3; without the guard an unbalanced 1 % rate gave 27 % false positives.

    >>> metric = Metric("a", "a", "conversion", "increase", "primary")
    >>> [is_small_sample(metric, VariantTotals(100, n, n, n, n)) for n in (9, 10, 90, 91)]
    [True, False, False, True]
    """
    least = _LEAST_OUTCOMES[metric.kind]
    too_few_without = metric.kind == "conversion" and totals.users - totals.converters < least
    return totals.converters < least or too_few_without
