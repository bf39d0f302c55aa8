"""Planning an experiment: what a caller knows of the metric today, and what it then takes."""

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from experimentation.web.schemas.model import RequestModel, ResponseModel
from experimentation.web.schemas.types import ExperimentId

MAX_USERS = 1_000_000_000
LEAST_MEAN = 1e-6
LEAST_WEIGHT, MOST_WEIGHT = 0.0001, 1_000_000


def _not_tiny(mean: float) -> float:
    if 0 < abs(mean) < LEAST_MEAN:
        raise ValueError(f"must be 0, or at least {LEAST_MEAN} in size")
    return mean


def _listed(text: object) -> object:
    if not isinstance(text, str):
        return text
    try:
        weights = tuple(float(each) for each in text.split(","))
    except ValueError:
        raise ValueError("must be numbers with commas between them, such as 90,10") from None
    if not all(LEAST_WEIGHT <= weight <= MOST_WEIGHT for weight in weights):
        raise ValueError(f"must each be from {LEAST_WEIGHT} to {MOST_WEIGHT}")
    return weights


Rate = Annotated[float, Field(ge=1e-6, lt=1)]
Mean = Annotated[float, Field(ge=-1e9, le=1e9), AfterValidator(_not_tiny)]
Deviation = Annotated[float, Field(ge=1e-6, le=1e10)]
RelativeEffect = Annotated[float, Field(ge=-10, le=10)]
AbsoluteEffect = Annotated[float, Field(ge=-1e9, le=1e9)]
Weights = Annotated[
    tuple[float, ...],
    Field(min_length=2, max_length=20),
    BeforeValidator(_listed),
    WithJsonSchema({"type": "string"}),
]
Users = Annotated[int, Field(ge=1, le=MAX_USERS)]


class SampleSizeQuery(RequestModel):
    """The metric today (a rate, or a mean with its sd), the effect to find or the users there are.

    `minimum_effect` is relative to the baseline; `daily_users` and `planned_users` count all variants
    together. `weights`, or `variants` of equal weight, are of those that get users. An `experiment_id` fills
    in whatever is not given from that experiment's own plan.
    """

    baseline_rate: Rate | None = None
    baseline_mean: Mean | None = None
    baseline_sd: Deviation | None = None
    minimum_effect: RelativeEffect | None = None
    minimum_effect_absolute: AbsoluteEffect | None = None
    users_per_variant: Users | None = None
    experiment_id: ExperimentId | None = None
    variants: Annotated[int, Field(ge=2, le=20)] | None = None
    weights: Weights | None = None
    primary_metrics: Annotated[int, Field(ge=1, le=20)] | None = None
    alpha: Annotated[float, Field(ge=0.0001, le=0.5)] = 0.05
    power: Annotated[float, Field(ge=0.5, le=0.999)] = 0.8
    daily_users: Users | None = None
    planned_users: Users | None = None


class Baseline(ResponseModel):
    """The metric as it is today; a rate has no sd of its own."""

    rate: float | None
    mean: float
    sd: float


class EffectOut(ResponseModel):
    """An effect in the metric's own units and as a share of the baseline."""

    absolute: float
    relative: float | None


class UsersOut(ResponseModel):
    """Users of the smallest variant and of all, and the days that takes at `daily_users`."""

    users_per_variant: int
    users: int
    days: int | None


class Required(ResponseModel):
    """What finding the effect takes, declared as `planned_users`: null where no number would do."""

    effect: EffectOut
    method: str
    fixed: UsersOut | None
    group_sequential: UsersOut | None
    sequential: UsersOut | None


class DetectableOut(ResponseModel):
    """The smallest effect that the users can show: null where even the largest possible one is too small."""

    users: UsersOut
    method: str
    fixed: EffectOut | None
    group_sequential: EffectOut | None
    sequential: EffectOut | None


class SampleSizeAnswer(ResponseModel):
    """The plan: read once at the end (fixed), at daily looks (group_sequential), on any day (sequential).

    `alpha_per_comparison` is alpha divided among primary metrics x treatments. `required` is what to declare
    as `planned_users`; the draft's own plan then says the same.
    """

    baseline: Baseline
    variants: int
    primary_metrics: int
    alpha: float
    alpha_per_comparison: float
    power: float
    daily_users: int | None
    planned_users: int | None
    required: Required | None
    detectable: DetectableOut | None
