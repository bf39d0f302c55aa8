"""What the results endpoint answers, for the documentation; domain/results makes it."""

from typing import Annotated, Literal

from pydantic import Field

from experimentation.domain.experiment import Adjustment, Analysis, Conclusion, Status
from experimentation.domain.statistics.decision import Action, Confidence, Tendency
from experimentation.web.schemas.model import ResponseModel
from reference.schemas.figures import AlwaysValidAnswer, Bounds, MetricResultAnswer, QuotedKind

Time = Annotated[str, Field(json_schema_extra={"format": "date-time"})]


class SampleRatioAnswer(ResponseModel):
    """Did the split follow the weights? `sequential_p_value` may be looked at on any day."""

    status: Literal["ok", "mismatch", "insufficient_data"]
    p_value: float | None
    chi_square: float | None
    expected: dict[str, float]
    sequential_p_value: float | None


class VerdictAnswer(ResponseModel):
    """What an earlier look decided about a variant; `fallen` says why it no longer stands."""

    variant: str
    action: Action
    decided_on: str
    metric: str | None
    lift: float | None
    lift_interval: Bounds | None
    difference: float | None
    interval: Bounds | None
    fallen: str | None


class RivalAnswer(ResponseModel):
    """Another treatment that could ship, compared with the named one."""

    variant: str = Field(description="the other treatment")
    metric: str = Field(description="the first primary metric, on which the two are compared")
    difference: float | None = Field(description="the named treatment minus this one, in the metric's units")
    interval: Bounds | None = Field(
        description="of the difference; holds on any day, for all pairs of treatments together"
    )
    beaten: bool = Field(description="whether the named treatment is proven to be better")


class RecommendationAnswer(ResponseModel):
    """What to do and why; `variant` is the treatment to ship, if any."""

    action: Action
    reasons: list[str]
    days_left: int | None
    variant: str | None
    by_variant: dict[str, Action]
    because: dict[str, str] = Field(description="the metric that decided, by variant")
    decided_on: str | None = Field(description="the UTC day of the look whose verdict stands")
    careful_lift: float | None = Field(
        description="the shrunken lift of a decision before the planned end: measured effects are larger"
    )
    rivals: list[RivalAnswer] = Field(
        description="the other treatments that could ship, and whether the named one is proven better"
    )
    verdicts: list[VerdictAnswer]


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


class PostStratifiedAnswer(ResponseModel):
    """The labels' differences weighted by their users: adjusted for how labels are spread over the arms."""

    difference: float
    se: float
    interval: Bounds
    p_value: float


class HeterogeneityAnswer(ResponseModel):
    """Cochran's Q: do the labels differ by more than chance?"""

    q: float
    degrees_of_freedom: int
    p_value: float


class BreakdownAnswer(ResponseModel):
    """All labels of the segment together, for one metric and treatment: exploratory, it decides nothing."""

    metric: str
    variant: str
    adjusted_p_values: dict[str, float | None] = Field(description="by label, Holm's across the labels")
    post_stratified: PostStratifiedAnswer | None = Field(description="null while a label cannot be measured")
    heterogeneity: HeterogeneityAnswer | None = Field(
        description="null with fewer than two labels that have enough outcomes"
    )


class RunningTotals(ResponseModel):
    """The totals since the first day; the comparison is there for treatments only, without CUPED."""

    enrolled: int
    count: int
    sum: float
    converters: int
    difference: float | None = None
    interval: Bounds | None = None
    lift: float | None = None
    always_valid: AlwaysValidAnswer | None = None
    small_sample: bool | None = None


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
    breakdown: list[BreakdownAnswer] = Field(default=[], description="there when `segment` was given")
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
    adjustment: Adjustment
    confidence_level: float
    exploratory: bool
    control: str
    summary: str
    enrolled: dict[str, int]
    late: dict[str, int]
    crossovers: dict[str, int]
    warnings: list[str]
    srm: SampleRatioAnswer
    metrics: list[MetricResultAnswer]
    recommendation: RecommendationAnswer | None
    ship: str | None = None
    conclusion: Conclusion | None = None
    note: str = ""
    plan: PlanAnswer | None = Field(default=None, description="there for a draft only")


class Headline(ResponseModel):
    """A variant's figures of the first primary metric; what cannot be said is left out."""

    enrolled: int
    metric: str | None = None
    metric_name: str | None = None
    mean: float | None = None
    mean_interval: Bounds | None = Field(default=None, description="Student's, of values and counts")
    rate: float | None = None
    rate_interval: Bounds | None = Field(default=None, description="Wilson's")
    lift: float | None = None
    lift_interval: Bounds | None = None
    interval_kind: QuotedKind | None = Field(default=None, description="as `quoted.kind` of the full answer")
    tendency: Tendency | None = None
    confidence: Confidence | None = None


class SummaryResults(_Additions):
    """The decision in a sentence, each variant's headline, and whether the numbers can be trusted."""

    experiment_id: str
    name: str
    status: Status
    as_of: Time | None
    summary: str
    variants: dict[str, Headline]
    warnings: list[str]
    srm: SampleRatioAnswer
    recommendation: RecommendationAnswer | None
    ship: str | None = None
    conclusion: Conclusion | None = None
    note: str = ""


class MetricsResults(_Additions):
    """The figures alone."""

    experiment_id: str
    metrics: list[MetricResultAnswer]


class HeadlinesAnswer(ResponseModel):
    """The headlines of several experiments."""

    results: list[SummaryResults]


type ResultsAnswer = FullResults | SummaryResults | MetricsResults
"""By `format`: full, summary or metrics_only."""
