"""The plan of an experiment: users and days for an effect, effect for some users."""

from math import ceil

from experimentation.domain.statistics.planning import (
    Design,
    Effect,
    Outcome,
    UsersNeeded,
    detectable_effect,
    sample_size,
)
from experimentation.web.schemas.model import ResponseModel
from experimentation.web.schemas.sample_size import MAX_USERS, Calculation

MDE_METHOD = "(z of alpha + z of power) x standard error, both arms at the baseline's variance"


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

    @classmethod
    def of(cls, outcome: Outcome, effect: float, design: Design) -> "Required":
        """Return the users that each analysis needs."""
        needs = sample_size(outcome, effect, design)
        return cls(
            effect=EffectOut(absolute=effect, relative=needs.relative_effect),
            method=needs.method,
            fixed=_available(needs.fixed),
            group_sequential=_available(needs.group_sequential),
            sequential=_available(needs.sequential),
        )


class DetectableOut(ResponseModel):
    """The smallest effect that the users can show: null where even the largest possible one is too small."""

    users: UsersOut
    method: str
    fixed: EffectOut | None
    group_sequential: EffectOut | None
    sequential: EffectOut | None

    @classmethod
    def of(cls, outcome: Outcome, users: int, design: Design) -> "DetectableOut":
        """Return the effect that each analysis can show."""
        found = detectable_effect(outcome, users, design)
        return cls(
            users=UsersOut(
                users_per_variant=int(users * design.smallest_share),
                users=users,
                days=None if design.daily_users is None else ceil(users / design.daily_users),
            ),
            method=MDE_METHOD,
            fixed=_possible(outcome, found.fixed),
            group_sequential=_possible(outcome, found.group_sequential),
            sequential=_possible(outcome, found.sequential),
        )


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

    @classmethod
    def of(cls, calculation: Calculation) -> "SampleSizeAnswer":
        """Return the results of the calculation."""
        outcome, design, effect, users = (
            calculation.outcome,
            calculation.design,
            calculation.effect,
            calculation.users,
        )
        rate = outcome.mean if outcome.sd is None else None
        return cls(
            baseline=Baseline(rate=rate, mean=outcome.mean, sd=outcome.sd or outcome.variance**0.5),
            variants=design.variants,
            primary_metrics=design.primary_metrics,
            alpha=design.alpha,
            alpha_per_comparison=design.family_alpha,
            power=design.power,
            daily_users=calculation.daily_users,
            planned_users=design.planned_users,
            required=None if effect is None else Required.of(outcome, effect, design),
            detectable=None if users is None else DetectableOut.of(outcome, users, design),
        )


def _available(needed: UsersNeeded | None) -> UsersOut | None:
    """Return the users and days; None for more users than there are people."""
    if needed is None or needed.users_per_variant > MAX_USERS:
        return None
    return UsersOut(**needed._asdict())


def _possible(outcome: Outcome, effect: Effect) -> EffectOut | None:
    """Return the effect; None for a rate that can neither rise nor fall so far."""
    if outcome.sd is None and effect.absolute > max(outcome.mean, 1 - outcome.mean):
        return None
    return EffectOut(**effect._asdict())
