"""What the results endpoint answers, for the documentation; domain/results makes it."""

from typing import Annotated, Literal

from pydantic import Field

from experimentation.domain.experiment import Adjustment, Analysis, Conclusion, Direction, Kind, Role, Status
from experimentation.domain.statistics.decision import Action, Confidence, Tendency
from experimentation.web.schemas.model import ResponseModel

type Bounds = tuple[float, float]
type Method = Literal["sequence", "exact", "fixed", "group_sequential"]
type QuotedKind = Method | Literal["shown", "small"]
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
    """The declared test, at the error rate of its whole family: `significant` is `p_value` < `alpha`.

    Where nothing decides (yet) `decides` is false and the figures are null.
    """

    analysis: Analysis
    method: Method | None = Field(description="which test decided; null while none does")
    adjusted: bool = Field(description="whether CUPED's adjusted difference decides")
    alpha: float
    difference: float | None
    interval: Bounds | None
    p_value: float | None = Field(description="adjusted for the family")
    lift: float | None
    lift_interval: Bounds | None
    shrunken_lift: float | None = Field(
        description="the lift shrunken by a prior N(0, 0.1): what stopping early exaggerates"
    )
    decides: bool
    significant: bool
    today: float | None = Field(description="the same difference as of now")
    look: str | None = Field(description="the UTC day of the kept look that these figures are of")


class QuotedAnswer(ResponseModel):
    """The figures that may be quoted: what decides, else what holds on any day, else what one look shows.

    The interval excludes 0 exactly when `p_value` < `alpha`. The sentence, the summary and the console all
    quote these.
    """

    kind: QuotedKind = Field(
        description="the test that they are of; `shown`: one look; `small`: too few outcomes"
    )
    difference: float | None
    interval: Bounds | None
    p_value: float | None
    alpha: float
    lift: float | None
    lift_interval: Bounds | None


class GuardAnswer(ResponseModel):
    """What a guardrail says: proven harmed beyond its margin, and proven to be no worse than it."""

    harmed: bool
    safe: bool = Field(description="without a margin: not proven harmed")


class EstimateAnswer(ResponseModel):
    """A difference and its lift with their intervals."""

    difference: float | None
    interval: Bounds | None
    p_value: float | None
    lift: float | None
    lift_interval: Bounds | None


class AdjustedAnswer(EstimateAnswer):
    """An estimate with the figures that hold at every look; null where nothing is declared."""

    always_valid: AlwaysValidAnswer | None


class CupedAnswer(ResponseModel):
    """Adjusted for what users did before; `adjusted` is null with a reason where there is no history."""

    decides: bool
    adjusted: AdjustedAnswer | None
    unadjusted: AdjustedAnswer
    theta: float | None
    variance_reduction: float | None
    reason: str | None


class ComparisonAnswer(EstimateAnswer):
    """One treatment against the control; null where not computable, and then `reason` says why."""

    status: str
    reason: str | None
    se: float | None
    adjusted_p_value: float | None
    always_valid: AlwaysValidAnswer | None
    deciding: DecidingAnswer | None
    quoted: QuotedAnswer
    guard: GuardAnswer | None = Field(description="of a guardrail")
    probability_to_beat_control: float | None = Field(description="not protected against peeking")
    expected_loss: float | None
    tendency: Tendency
    certainty: float | None = Field(description="how sure the tendency is; not protected against peeking")
    confidence: Confidence
    small_sample: bool
    cuped: CupedAnswer


class MetricResultAnswer(ResponseModel):
    """One metric: the figures of every variant and the comparison of every treatment."""

    key: str
    name: str | None
    event_type: str
    kind: Kind
    role: Role | None = Field(description="null for an event type asked for after the fact")
    late: bool = Field(description="declared after the start: exploratory, never decides")
    partial: bool = Field(
        description="some events of the type are not counted: their users have over 200 types"
    )
    margin: float | None
    direction: Direction
    variants: dict[str, VariantFiguresAnswer]
    comparisons: dict[str, ComparisonAnswer]


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
