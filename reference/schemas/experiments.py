"""What endpoints about experiments answer, for the documentation: domain/document.py makes it."""

from pydantic import Field, JsonValue

from experimentation.domain.experiment import (
    Adjustment,
    Analysis,
    Conclusion,
    CountFrom,
    Direction,
    Kind,
    Reaction,
    Role,
    Status,
)
from experimentation.web.schemas.model import ResponseModel


class ShareAnswer(ResponseModel):
    """A variant and its share of the enrolled users in percent."""

    key: str
    name: str | None = None
    weight: float


class VariantAnswer(ShareAnswer):
    """A variant as it was defined."""

    config: JsonValue


class MetricAnswer(ResponseModel):
    """A metric and when it was declared."""

    key: str
    name: str | None = None
    event_type: str
    kind: Kind
    direction: Direction
    role: Role
    margin: float | None = Field(
        default=None, description="of a guardrail: how much worse than the control, as a share of it, is safe"
    )
    declared_at: str


class SegmentAnswer(ResponseModel):
    """A context key that results can be split by."""

    key: str
    values: list[str]


class RampAnswer(ResponseModel):
    """From when on how many percent of all users take part."""

    at: str
    percent: float


class ScheduleAnswer(ResponseModel):
    """What happens by itself."""

    start_at: str | None
    end_at: str | None
    ramp: list[RampAnswer]


class RangeOfLayer(ResponseModel):
    """A range in percent."""

    start: float = Field(alias="from")
    end: float = Field(alias="to")


class LayerAnswer(RangeOfLayer):
    """An experiment's range of the draw that its layer's experiments share."""

    key: str


class RangeTaken(RangeOfLayer):
    """An experiment's range of a layer."""

    experiment_id: str
    free_at: str | None


class LayerOccupancy(ResponseModel):
    """A layer: which experiment has which range."""

    key: str
    ranges: list[RangeTaken]
    free: list[RangeOfLayer]


class LayersPage(ResponseModel):
    """Some layers."""

    layers: list[LayerOccupancy]
    next_cursor: str | None


class ReactionsAnswer(ResponseModel):
    """What happens when harm or a mismatch of the split is proven while it runs."""

    harm: Reaction
    mismatch: Reaction


class PrerequisiteAnswer(ResponseModel):
    """An experiment in which a user must have one of these variants to take part."""

    experiment_id: str
    variants: list[str]


class ExperimentSummary(ResponseModel):
    """An experiment as the list shows it."""

    id: str
    name: str
    variants: list[ShareAnswer]
    control: str
    traffic_allocation: float
    status: Status
    version: int
    created_at: str
    created_by: str
    updated_at: str
    started_at: str | None
    ended_at: str | None
    ship: str | None = None
    conclusion: Conclusion | None = None
    tags: list[str] = Field(default_factory=list)
    owner: str = ""
    archived: bool = False


class ExperimentAnswer(ResponseModel):
    """An experiment."""

    id: str
    name: str
    description: str
    hypothesis: str
    variants: list[VariantAnswer]
    control: str
    traffic_allocation: float
    salt: str
    layer: LayerAnswer | None = None
    prerequisite: PrerequisiteAnswer | None = None
    audience: dict[str, JsonValue] | None = None
    metrics: list[MetricAnswer]
    segments: list[SegmentAnswer]
    analysis: Analysis
    planned_users: int | None
    min_users: int
    min_days: int
    minimum_effect: float | None
    adjustment: Adjustment
    cuped_days: int
    count_from: CountFrom
    overrides: dict[str, str]
    status: Status
    version: int
    created_at: str
    created_by: str
    updated_at: str
    started_at: str | None
    ended_at: str | None
    ship: str | None = None
    conclusion: Conclusion | None = None
    tags: list[str] = Field(default_factory=list)
    owner: str = ""
    archived: bool = False
    note: str = ""
    schedule: ScheduleAnswer | None = None
    guard: ReactionsAnswer | None = None


class ExperimentPage(ResponseModel):
    """Some experiments, newest first."""

    experiments: list[ExperimentSummary]
    next_cursor: str | None


class HistoryChange(ResponseModel):
    """One field before and after."""

    field: str
    before: JsonValue = Field(alias="from")
    after: JsonValue = Field(alias="to")


class HistoryEntry(ResponseModel):
    """Who did what, when; `version` is the experiment's after it."""

    at: str
    version: int
    actor: str
    action: str
    changes: list[HistoryChange]
    reason: str = ""
    figures: dict[str, JsonValue] = Field(default_factory=dict)


class HistoryPage(ResponseModel):
    """Some of the history, newest first."""

    history: list[HistoryEntry]
    next_cursor: str | None
