"""What an experiment is made of, as requests say it: variants, metrics, segments, a schedule, and limits."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from experimentation.domain.experiment import (
    MAX_CUPED_DAYS,
    Direction,
    GuardRule,
    Kind,
    Layer,
    Metric,
    Prerequisite,
    RampStep,
    Reaction,
    Role,
    Schedule,
    Segment,
    Variant,
)
from experimentation.web.schemas.model import RequestModel
from experimentation.web.schemas.numbers import Margin, Percent
from experimentation.web.schemas.types import (
    EventType,
    ExperimentId,
    LayerKey,
    MetricKey,
    Name,
    SegmentKey,
    Timestamp,
    UserId,
    VariantKey,
)
from experimentation.web.schemas.variant_config import Config

Users = Annotated[int, Field(strict=True, ge=0, le=1_000_000_000)]
Days = Annotated[int, Field(strict=True, ge=0, le=3_650)]
CupedDays = Annotated[int, Field(strict=True, ge=1, le=MAX_CUPED_DAYS)]
SegmentValue = Annotated[Name, Field(max_length=100)]
Tag = Annotated[Name, Field(max_length=50)]
Tags = Annotated[tuple[Tag, ...], Field(max_length=20)]
Owner = Annotated[Name, Field(max_length=100)]


class PartRequest(RequestModel, ABC):
    """A part of an experiment that is a class of its own in the domain."""

    @abstractmethod
    def domain(self) -> object:
        """Return the part as the domain has it."""


def domain_fields(request: RequestModel, names: Iterable[str]) -> dict[str, Any]:
    """Return these fields of a request, with their parts as the domain has them."""
    return {name: _domain(getattr(request, name)) for name in names}


def _domain(value: object) -> object:
    if isinstance(value, PartRequest):
        return value.domain()
    return tuple(map(_domain, value)) if isinstance(value, tuple) else value


class VariantRequest(PartRequest):
    """One arm of an experiment and its share of the enrolled users in percent."""

    key: VariantKey
    weight: Percent
    config: Config = None
    name: Name | None = Field(default=None, description="what people call it")

    def domain(self) -> Variant:
        """Return the domain's variant."""
        return Variant(self.key, self.weight, self.config, self.name)


class MetricRequest(PartRequest):
    """What is measured; `declared_at` is ignored, and accepted so that an answer can be sent back."""

    key: MetricKey
    event_type: EventType
    kind: Kind = Kind.CONVERSION
    direction: Direction = Direction.INCREASE
    role: Role = Role.SECONDARY
    name: Name | None = Field(default=None, description="what people call it")
    margin: Margin | None = Field(
        default=None,
        description="of a guardrail: how much worse than the control, as a share of it, still counts as safe",
    )
    declared_at: Timestamp | None = None

    def domain(self) -> Metric:
        """Return the domain's metric, not yet declared."""
        return Metric(
            self.key,
            self.event_type,
            self.kind,
            self.direction,
            self.role,
            name=self.name,
            margin=self.margin,
        )


class SegmentRequest(PartRequest):
    """A context key that results can be split by, and its values; any other value is "other"."""

    key: SegmentKey
    values: Annotated[tuple[SegmentValue, ...], Field(min_length=1, max_length=20)]

    def domain(self) -> Segment:
        """Return the domain's segment."""
        return Segment(self.key, self.values)


class RampRequest(RequestModel):
    """The percentage of all users that take part from a time on."""

    at: Timestamp
    percent: Percent


class ScheduleRequest(PartRequest):
    """When the experiment starts, grows and ends by itself."""

    start_at: Timestamp | None = None
    end_at: Timestamp | None = None
    ramp: Annotated[tuple[RampRequest, ...], Field(max_length=20)] = ()

    def domain(self) -> Schedule:
        """Return the domain's schedule."""
        return Schedule(self.start_at, self.end_at, tuple(RampStep(s.at, s.percent) for s in self.ramp))


class LayerRequest(PartRequest):
    """A range of a draw that the layer's experiments share, in percent."""

    key: LayerKey
    start: Percent = Field(alias="from")
    end: Percent = Field(alias="to")

    def domain(self) -> Layer:
        """Return the domain's layer."""
        return Layer(self.key, self.start, self.end)


class GuardRequest(PartRequest):
    """The reactions to proven harm and to a sample ratio mismatch while the experiment runs."""

    harm: Reaction = Reaction.NOTIFY
    mismatch: Reaction = Reaction.NOTIFY

    def domain(self) -> GuardRule:
        """Return the domain's rule."""
        return GuardRule(self.harm, self.mismatch)


class PrerequisiteRequest(PartRequest):
    """An experiment in which a user must have one of these variants to take part."""

    experiment_id: ExperimentId
    variants: Annotated[tuple[VariantKey, ...], Field(min_length=1, max_length=20)]

    def domain(self) -> Prerequisite:
        """Return the domain's prerequisite."""
        return Prerequisite(self.experiment_id, self.variants)


def _two_at_least(variants: tuple[VariantRequest, ...]) -> tuple[VariantRequest, ...]:
    """Count the variants once each is valid: Pydantic's own minimum counts only valid ones."""
    if len(variants) < 2:
        raise ValueError("needs at least two variants")
    return variants


Variants = Annotated[
    tuple[VariantRequest, ...],
    Field(max_length=20, description="two at least, in the order of their bucket ranges"),
    AfterValidator(_two_at_least),
]
Metrics = Annotated[tuple[MetricRequest, ...], Field(max_length=50)]
Segments = Annotated[tuple[SegmentRequest, ...], Field(max_length=3)]
Overrides = Annotated[dict[UserId, VariantKey], Field(max_length=100)]
