"""What the results endpoint answers, for the documentation; domain/results makes it."""

from typing import Annotated, Literal

from pydantic import Field

from experimentation.domain.experiment import Analysis, Direction, Kind, Role, Status
from experimentation.web.schemas.model import ResponseModel

type Bounds = tuple[float, float]
type Action = Literal[
    "investigate_srm",
    "keep_running",
    "do_not_ship",
    "ship",
    "stop_no_meaningful_effect",
    "stop_inconclusive",
]
type Confidence = Literal["low", "medium", "high", "significant"]
Time = Annotated[str, Field(json_schema_extra={"format": "date-time"})]


class SampleRatioAnswer(ResponseModel):
    """Did the split follow the weights? `sequential_p_value` may be looked at on any day."""

    status: Literal["ok", "mismatch", "insufficient_data"]
    p_value: float | None
    chi_square: float | None
    expected: dict[str, float]
    sequential_p_value: float | None


class VariantFiguresAnswer(ResponseModel):
    """One metric in one variant; mean and variance are per user, of what the metric's kind looks at."""

    users: int
    converters: int
    rate: float | None
    rate_interval: Bounds | None
    count: int
    sum: float
    mean: float | None
    variance: float | None


class AlwaysValidAnswer(ResponseModel):
    """The figures that hold at every look."""

    interval: Bounds | None
    p_value: float | None
    lift_interval: Bounds | None


class DecidingAnswer(ResponseModel):
    """The declared test; `decides` says whether it may now."""

    analysis: Analysis
    alpha: float
    difference: float | None
    interval: Bounds | None
    p_value: float | None
    lift: float | None
    lift_interval: Bounds | None
    decides: bool
    significant: bool


class EstimateAnswer(ResponseModel):
    """A difference and its lift with their intervals."""

    difference: float | None
    interval: Bounds | None
    p_value: float | None
    lift: float | None
    lift_interval: Bounds | None


class CupedAnswer(ResponseModel):
    """Adjusted for what users did before; `adjusted` is null with a reason where there is no history."""

    adjusted: EstimateAnswer | None
    unadjusted: EstimateAnswer
    theta: float | None
    variance_reduction: float | None
    reason: str | None


class ComparisonAnswer(EstimateAnswer):
    """One treatment against the control; null where not computable, and then `status` says why."""

    status: str
    se: float | None
    adjusted_p_value: float | None
    always_valid: AlwaysValidAnswer | None
    deciding: DecidingAnswer | None
    probability_to_beat_control: float | None
    expected_loss: float | None
    confidence: Confidence
    small_sample: bool
    cuped: CupedAnswer


class MetricResultAnswer(ResponseModel):
    """One metric: the figures of every variant and the comparison of every treatment."""

    key: str
    event_type: str
    kind: Kind
    role: Role | None = Field(description="null for an event type asked for after the fact")
    direction: Direction
    variants: dict[str, VariantFiguresAnswer]
    comparisons: dict[str, ComparisonAnswer]


class RecommendationAnswer(ResponseModel):
    """What to do and why; `variant` is the treatment to ship, if any."""

    action: Action
    reasons: list[str]
    days_left: int | None
    variant: str | None
    by_variant: dict[str, Action]


class WindowAnswer(ResponseModel):
    """The time that the figures are of."""

    start: Time | None
    end: Time | None


class SegmentResultAnswer(ResponseModel):
    """The figures of one segment, which are exploratory."""

    segment: str
    enrolled: dict[str, int]
    srm: SampleRatioAnswer
    metrics: list[MetricResultAnswer]


class RunningTotals(ResponseModel):
    """The totals since the first day; the comparison is there for treatments only."""

    enrolled: int
    count: int
    sum: float
    converters: int
    difference: float | None = None
    interval: Bounds | None = None
    lift: float | None = None
    always_valid: AlwaysValidAnswer | None = None


class StepAnswer(ResponseModel):
    """What one hour, day or week added; hours have no converters and no running totals."""

    start: Time
    metric: str
    variant: str
    enrolled: int
    count: int
    sum: float
    converters: int | None = None
    cumulative: RunningTotals | None = None


class _Additions(ResponseModel):
    segments: list[SegmentResultAnswer] = Field(default=[], description="there when `segment` was given")
    time_series: list[StepAnswer] = Field(default=[], description="there with `include_time_series=true`")


class PlanRow(ResponseModel):
    """What a draft's plan promises for one metric over one baseline."""

    metric: str
    baseline: dict[str, float]
    required_users: int | None
    detectable_effect: float | None


class PlanAnswer(ResponseModel):
    """What a draft's own numbers promise, over the baselines that metrics usually have."""

    planned_users: int | None
    minimum_effect: float | None
    analysis: Analysis
    by_baseline: list[PlanRow]
    for_another_baseline: str


class FullResults(_Additions):
    """Everything."""

    experiment_id: str
    name: str
    status: Status
    as_of: Time | None
    window: WindowAnswer
    analysis: Analysis
    confidence_level: float
    exploratory: bool
    control: str
    summary: str
    enrolled: dict[str, int]
    srm: SampleRatioAnswer
    metrics: list[MetricResultAnswer]
    recommendation: RecommendationAnswer | None
    plan: PlanAnswer | None = Field(default=None, description="there for a draft only")


class Headline(ResponseModel):
    """A variant's figures of the first primary metric; what cannot be said is left out."""

    enrolled: int
    metric: str | None = None
    mean: float | None = None
    rate: float | None = None
    lift: float | None = None
    lift_interval: Bounds | None = None
    confidence: Confidence | None = None


class SummaryResults(_Additions):
    """The decision in a sentence, each variant's headline, and whether the numbers can be trusted."""

    experiment_id: str
    name: str
    status: Status
    as_of: Time | None
    summary: str
    variants: dict[str, Headline]
    srm: SampleRatioAnswer
    recommendation: RecommendationAnswer | None


class MetricsResults(_Additions):
    """The figures alone."""

    experiment_id: str
    metrics: list[MetricResultAnswer]


type ResultsAnswer = FullResults | SummaryResults | MetricsResults
"""By `format`: full, summary or metrics_only."""
