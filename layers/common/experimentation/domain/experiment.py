"""What an experiment is: variants, traffic, metrics, segments and the plan."""

from dataclasses import dataclass, field
from enum import StrEnum

MILLION = 1_000_000


class Status(StrEnum):
    """Where an experiment stands in its life."""

    DRAFT = "draft"
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"


class Kind(StrEnum):
    """What is totalled per user: had an event at all, number of events, or sum of their values."""

    CONVERSION = "conversion"
    COUNT = "count"
    VALUE = "value"


class Direction(StrEnum):
    """Which way is better."""

    INCREASE = "increase"
    DECREASE = "decrease"


class Role(StrEnum):
    """What a metric decides: success, nothing, or harm."""

    PRIMARY = "primary"
    SECONDARY = "secondary"
    GUARDRAIL = "guardrail"


class Analysis(StrEnum):
    """Which interval decides: one that may be read on any day, or one that counts at the planned end."""

    SEQUENTIAL = "sequential"
    FIXED = "fixed"


@dataclass(frozen=True, slots=True)
class Variant:
    """One arm; `weight` in millionths of the enrolled users, `config` is JSON text: 10.0 stays 10.0."""

    key: str
    weight: int
    config: str | None = None


@dataclass(frozen=True, slots=True)
class Metric:
    """What is measured; `declared_at` (milliseconds) tells metrics that were added after the start."""

    key: str
    event_type: str
    kind: Kind
    direction: Direction = Direction.INCREASE
    role: Role = Role.SECONDARY
    declared_at: int = 0


@dataclass(frozen=True, slots=True)
class Segment:
    """A context key by which results can be split; any value not named here is "other"."""

    key: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Experiment:
    """One experiment as stored; times in milliseconds, `traffic_allocation` in millionths of all users."""

    id: str
    name: str
    variants: tuple[Variant, ...]
    control: str
    salt: str
    created_at: int
    created_by: str
    updated_at: int
    description: str = ""
    hypothesis: str = ""
    traffic_allocation: int = MILLION
    metrics: tuple[Metric, ...] = ()
    segments: tuple[Segment, ...] = ()
    analysis: Analysis = Analysis.SEQUENTIAL
    planned_users: int | None = None
    min_users: int = 150
    min_days: int = 7
    minimum_effect: str | None = None  # decimal text, relative to the control's mean
    overrides: dict[str, str] = field(default_factory=dict)
    status: Status = Status.DRAFT
    version: int = 1
    started_at: int | None = None
    ended_at: int | None = None
    shards: int = 4

    def variant(self, key: str) -> Variant:
        """Return the variant of that key; KeyError when there is none."""
        return {variant.key: variant for variant in self.variants}[key]

    @property
    def keys(self) -> tuple[str, ...]:
        """The variants' keys in their declared order, which is the order of the bucket ranges."""
        return tuple(variant.key for variant in self.variants)
