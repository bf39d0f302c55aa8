"""What an experiment is: variants, traffic, metrics, segments and the plan."""

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import NamedTuple

from experimentation.domain.bucketing import Traffic

MILLION = 1_000_000
MAX_CUPED_DAYS = 90  # ledgers keep as many days more


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
    """Which test decides: one that may be read on any day, at the daily looks, or once at the planned end."""

    SEQUENTIAL = "sequential"
    GROUP_SEQUENTIAL = "group_sequential"
    FIXED = "fixed"


class Adjustment(StrEnum):
    """Whether the deciding difference is adjusted for what users did before their assignment."""

    CUPED = "cuped"
    NONE = "none"


class CountFrom(StrEnum):
    """What enrols a user: the answer that names a variant, or a client's report that the user met it."""

    ASSIGNMENT = "assignment"
    EXPOSURE = "exposure"


class Conclusion(StrEnum):
    """What people concluded from an experiment."""

    WON = "won"
    LOST = "lost"
    INCONCLUSIVE = "inconclusive"
    DID_NOT_FINISH = "did_not_finish"


@dataclass(frozen=True, slots=True)
class Variant:
    """One arm; `weight` in millionths of the enrolled users, `config` is JSON text: 10.0 stays 10.0."""

    key: str
    weight: int
    config: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Metric:
    """What is measured; `declared_at` (milliseconds) tells metrics that were added after the start."""

    key: str
    event_type: str
    kind: Kind
    direction: Direction = Direction.INCREASE
    role: Role = Role.SECONDARY
    declared_at: int = 0
    name: str | None = None
    margin: str | None = None  # decimal text: how much worse a guardrail may be, relative to the control


@dataclass(frozen=True, slots=True)
class Segment:
    """A context key by which results can be split; any value not named here is "other"."""

    key: str
    values: tuple[str, ...]


class Pause(NamedTuple):
    """A time in which the experiment did not run, in milliseconds; `end` is None until it runs again."""

    start: int
    end: int | None = None

    def covers(self, at: int) -> bool:
        """Tell whether the experiment was paused at that time."""
        return self.start <= at and (self.end is None or at < self.end)


@dataclass(frozen=True, slots=True)
class RampStep:
    """From `at` on, `traffic` millionths of all users take part."""

    at: int
    traffic: int


@dataclass(frozen=True, slots=True)
class Schedule:
    """When an experiment starts, grows and ends by itself; times in milliseconds, steps in order."""

    start_at: int | None = None
    end_at: int | None = None
    ramp: tuple[RampStep, ...] = ()

    def has_ended(self, now: int) -> bool:
        """Tell whether its end is due or past."""
        return self.end_at is not None and self.end_at <= now


class Reaction(StrEnum):
    """What the guard does about a proven danger; it notifies people either way."""

    PAUSE = "pause"
    NOTIFY = "notify"


@dataclass(frozen=True, slots=True)
class GuardRule:
    """How the guard reacts to a harmed guardrail, and to users who are not split as the weights say."""

    harm: Reaction = Reaction.NOTIFY
    mismatch: Reaction = Reaction.NOTIFY


@dataclass(frozen=True, slots=True)
class Layer:
    """A range of a draw that experiments share: disjoint ranges exclude each other; in millionths."""

    key: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Prerequisite:
    """An experiment in which a user must have one of these variants to take part."""

    experiment_id: str
    variants: tuple[str, ...]


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
    layer: Layer | None = None  # its range is as wide as the traffic allocation
    prerequisite: Prerequisite | None = None
    audience: dict[str, object] | None = None  # a condition on the context (domain/audience); None: everybody
    metrics: tuple[Metric, ...] = ()
    segments: tuple[Segment, ...] = ()
    analysis: Analysis = Analysis.SEQUENTIAL
    planned_users: int | None = None
    min_users: int = 150
    min_days: int = 7
    minimum_effect: str | None = None  # decimal text, relative to the control's mean
    adjustment: Adjustment = Adjustment.CUPED
    cuped_days: int = 28  # UTC days before that of the assignment; the adjustment looks at them and up to it
    count_from: CountFrom = CountFrom.ASSIGNMENT
    overrides: dict[str, str] = field(default_factory=dict)
    status: Status = Status.DRAFT
    version: int = 1
    started_at: int | None = None
    ended_at: int | None = None
    pauses: tuple[Pause, ...] = ()
    shards: int = 4
    imported_at: int | None = None  # from then on it may have users whom the draw would leave out
    ship: str | None = None  # the variant that everybody gets, once completed
    conclusion: Conclusion | None = None
    note: str = ""
    tags: tuple[str, ...] = ()
    owner: str = ""  # who answers for it: a person, a team
    archived: bool = False  # out of the list unless asked for
    schedule: Schedule | None = None
    guard: GuardRule = GuardRule()

    def variant(self, key: str) -> Variant:
        """Return the variant of that key; KeyError when there is none."""
        return {variant.key: variant for variant in self.variants}[key]

    @property
    def traffic(self) -> Traffic:
        """Who takes part: the first users of the experiment's own draw, or a range of its layer's."""
        if self.layer is not None:
            return Traffic(self.layer.key, self.layer.start, self.layer.end)
        return Traffic(self.salt, 0, self.traffic_allocation)

    def with_traffic(self, traffic_allocation: int) -> "Experiment":
        """Return the experiment with that share of users, its range in its layer growing at the upper end."""
        layer = self.layer and replace(self.layer, end=self.layer.start + traffic_allocation)
        return replace(self, traffic_allocation=traffic_allocation, layer=layer)

    def is_settled_for(self, user_id: str) -> bool:
        """Tell whether the user's answer needs nothing that is stored about the user."""
        return self.ship is not None or user_id in self.overrides

    @property
    def in_progress(self) -> bool:
        """Whether it has started and is not completed: it runs, or is paused."""
        return self.status in {Status.RUNNING, Status.PAUSED}

    @property
    def keys(self) -> tuple[str, ...]:
        """The variants' keys in their declared order, which is the order of the bucket ranges."""
        return tuple(variant.key for variant in self.variants)

    def was_running(self, at: int) -> bool:
        """Tell whether users could be enrolled at that time: after the start, in no pause, before the end."""
        if self.started_at is None or at < self.started_at:
            return False
        if self.ended_at is not None and at >= self.ended_at:
            return False
        return not any(pause.covers(at) for pause in self.pauses)
