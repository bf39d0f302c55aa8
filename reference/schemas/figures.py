"""The figures of a metric that the results endpoint answers; domain/statistics makes them."""

from typing import Literal

from pydantic import Field

from experimentation.domain.experiment import Analysis, Direction, Kind, Role
from experimentation.domain.statistics.decision import Confidence, Tendency
from experimentation.web.schemas.model import ResponseModel

type Bounds = tuple[float, float]
type Method = Literal["sequence", "exact", "fixed", "group_sequential"]
type QuotedKind = Method | Literal["shown", "small"]


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
