"""The results of an analysis, before they are written as JSON."""

from dataclasses import dataclass
from typing import NamedTuple

from experimentation.domain.experiment import Analysis as Mode
from experimentation.domain.experiment import Direction, Kind, Role
from experimentation.domain.statistics.comparison import Comparison
from experimentation.domain.statistics.lift import Interval
from experimentation.domain.statistics.looks import Verdict
from experimentation.domain.statistics.study import Query
from experimentation.domain.statistics.verdict import Recommendation


class SampleRatio(NamedTuple):
    """Whether the split followed the weights; `sequential_p_value` may be read on any day."""

    status: str
    p_value: float | None
    chi_square: float | None
    expected: dict[str, float]
    sequential_p_value: float | None


@dataclass(frozen=True, slots=True)
class VariantFigures:
    """One metric in one variant; mean and variance are per user, of what the metric's kind looks at."""

    users: int
    converters: int
    rate: float | None
    rate_interval: Interval | None
    count: int
    sum: float
    mean: float | None
    variance: float | None


class MetricResult(NamedTuple):
    """One metric: the figures of every variant and the comparison of every treatment."""

    key: str
    name: str | None
    event_type: str
    kind: Kind
    role: Role | None
    late: bool
    margin: float | None
    direction: Direction
    variants: dict[str, VariantFigures]
    comparisons: dict[str, Comparison]

    @property
    def title(self) -> str:
        """Return what people call it."""
        return self.name or self.key


class Analysis(NamedTuple):
    """The answer; an exploratory one, and a draft's, carries no recommendation.

    `verdicts` are those of stored looks, by treatment, standing or fallen.
    """

    analysis: Mode
    confidence_level: float
    exploratory: bool
    enrolled: dict[str, int]
    names: dict[str, str]
    srm: SampleRatio
    metrics: list[MetricResult]
    recommendation: Recommendation | None
    verdicts: dict[str, Verdict]

    @property
    def headline(self) -> MetricResult | None:
        """Return the metric that leads: the first primary declared by the start, else the first of all."""
        primaries = [metric for metric in self.metrics if metric.role is Role.PRIMARY and not metric.late]
        return next(iter([*primaries, *self.metrics]), None)

    @property
    def alpha(self) -> float:
        """Return the error rate of the intervals that are only shown, rounded so that 0.95 gives 0.05."""
        return Query(self.confidence_level).alpha
