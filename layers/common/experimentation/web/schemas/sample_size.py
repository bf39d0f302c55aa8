"""Planning an experiment: what a caller knows of the metric today, and wants to compute."""

from typing import Annotated, NamedTuple

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from experimentation.domain.errors import FieldError, InvalidError
from experimentation.domain.experiment import Experiment
from experimentation.domain.results.plan import design_of, is_comparable
from experimentation.domain.statistics.planning import Design, Outcome
from experimentation.web.schemas.model import RequestModel
from experimentation.web.schemas.types import ExperimentId

MAX_USERS = 1_000_000_000
LEAST_MEAN = 1e-6
LEAST_EFFECT = 1e-12
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


class Calculation(NamedTuple):
    """What to compute: the users that an effect needs (absolute), the effect that all the users can show."""

    outcome: Outcome
    design: Design
    daily_users: int | None
    effect: float | None
    users: int | None


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

    def calculation(self, experiment: Experiment | None) -> Calculation:
        """Return what to compute, with the experiment's own plan where the query is silent.

        InvalidError when the query contradicts itself or asks for nothing.
        """
        outcome, design = self._outcome(), self._design(experiment)
        effect, users = self._effect(experiment, outcome), self._users(design)
        if effect is None and users is None:
            detail = "needs minimum_effect, minimum_effect_absolute or users_per_variant"
            raise InvalidError("There is nothing to compute.", [FieldError("/minimum_effect", detail)])
        return Calculation(outcome, design, self.daily_users, effect, users)

    def _outcome(self) -> Outcome:
        match self.baseline_rate, self.baseline_mean, self.baseline_sd:
            case float(rate), None, None:
                return Outcome(rate)
            case None, float(mean), float(sd):
                return Outcome(mean, sd)
            case None, None, _:
                missing = "/baseline_rate"
            case _:
                missing = "/baseline_sd"
        detail = "is needed: either baseline_rate, or baseline_mean and baseline_sd, and not both"
        raise InvalidError("The baseline is not clear.", [FieldError(missing, detail)])

    def _design(self, experiment: Experiment | None) -> Design:
        weights = self._given_weights()
        if weights is None and experiment is not None and not is_comparable(experiment):
            detail = "gives users to no control and treatment at once: give weights or variants"
            raise InvalidError("There is nothing to compare.", [FieldError("/experiment_id", detail)])
        own = Design() if experiment is None else design_of(experiment)
        return Design(
            weights or own.weights,
            self.primary_metrics or own.primary_metrics,
            self.alpha,
            self.power,
            self.daily_users,
            self.planned_users or own.planned_users,
        )

    def _given_weights(self) -> tuple[float, ...] | None:
        if self.weights is None:
            return (1.0,) * self.variants if self.variants else None
        if self.variants not in {None, len(self.weights)}:
            detail = f"are {len(self.weights)}, but variants says {self.variants}"
            raise InvalidError("The variants are not clear.", [FieldError("/weights", detail)])
        return self.weights

    def _effect(self, experiment: Experiment | None, outcome: Outcome) -> float | None:
        """Return the effect in the metric's own units."""
        relative, absolute = self.minimum_effect, self.minimum_effect_absolute
        if relative is not None and absolute is not None:
            detail = "may not stand beside minimum_effect"
            raise InvalidError("The effect is given twice.", [FieldError("/minimum_effect_absolute", detail)])
        if absolute is not None:
            return _possible_effect(absolute, outcome, "/minimum_effect_absolute")
        if relative is None:
            relative = _declared_effect(experiment)
        return (
            None
            if relative is None
            else _possible_effect(relative * outcome.mean, outcome, "/minimum_effect")
        )

    def _users(self, design: Design) -> int | None:
        if self.users_per_variant is not None:
            return design.users_of_all(self.users_per_variant)
        return design.planned_users


def _declared_effect(experiment: Experiment | None) -> float | None:
    declared = None if experiment is None else experiment.minimum_effect
    return None if declared is None else float(declared)


def _possible_effect(effect: float, outcome: Outcome, field: str) -> float:
    """Return the effect; InvalidError when no number of users could show it."""
    if abs(effect) < LEAST_EFFECT:
        detail = "gives no effect at all: no number of users would show it"
    elif outcome.sd is None and not 0 <= outcome.mean + effect <= 1:
        detail = f"leads to a rate of {outcome.mean + effect:.6g}, which lies outside 0 to 1"
    else:
        return effect
    raise InvalidError("There is no such effect.", [FieldError(field, detail)])
