"""Planning an experiment: users, days and detectable effect, for each of the three analyses."""

from collections.abc import Sequence
from math import ceil, sqrt
from typing import NamedTuple

from experimentation.domain.experiment import Analysis
from experimentation.domain.statistics.group_sequential import drift_for
from experimentation.domain.statistics.power import required_signal
from experimentation.domain.statistics.sequential import planned_multiplier, sequence_multiplier
from experimentation.domain.statistics.study import ERROR_RATE, POWER
from experimentation.domain.statistics.tails import norm_isf

RATE_METHOD = "pooled-null two-proportion formula"
UNEVEN_RATE_METHOD = "two-proportion formula, the larger of the pooled-null and the unpooled answer"
MEAN_METHOD = "two-sample z formula"


class Outcome(NamedTuple):
    """The control's metric as it is today: a rate (no sd given) or a mean with its standard deviation."""

    mean: float
    sd: float | None = None

    @property
    def variance(self) -> float:
        """Return the per-user variance; of a rate p it is p (1 - p)."""
        return self.mean * (1 - self.mean) if self.sd is None else self.sd**2


class Design(NamedTuple):
    """How the experiment will be run: relative weights, the control's first, of those that get users.

    `planned_users` is what was declared, of all variants; None takes the users in question as declared.
    """

    weights: Sequence[float] = (1.0, 1.0)
    primary_metrics: int = 1
    alpha: float = ERROR_RATE
    power: float = POWER
    daily_users: float | None = None
    planned_users: int | None = None

    @property
    def variants(self) -> int:
        """Return how many variants get users, control included."""
        return len(self.weights)

    @property
    def family_alpha(self) -> float:
        """Return the error rate of one comparison after Bonferroni over primary metrics x treatments."""
        return self.alpha / (self.primary_metrics * (self.variants - 1))

    @property
    def shares(self) -> tuple[float, float]:
        """Return the shares of all users that the control and the smallest treatment get."""
        total = sum(self.weights)
        return self.weights[0] / total, min(self.weights[1:]) / total

    @property
    def smallest_share(self) -> float:
        """Return the share of all users that the smallest variant gets."""
        return min(self.weights) / sum(self.weights)

    @property
    def is_even(self) -> bool:
        """Say whether all variants get the same number of users."""
        return min(self.weights) == max(self.weights)

    def users_of_all(self, users_per_variant: int) -> int:
        """Return how many users it takes until the smallest variant has `users_per_variant`.

        >>> Design(weights=(90, 10)).users_of_all(10)
        100
        """
        if self.is_even:
            return users_per_variant * self.variants
        # Rounded first: a quotient a rounding error above a whole number must not become one user more.
        return ceil(round(users_per_variant / self.smallest_share, 6))


class UsersNeeded(NamedTuple):
    """Users and days; days are None without a number of daily users. Per variant: of the smallest one."""

    users_per_variant: int
    users: int
    days: int | None


class SampleSize(NamedTuple):
    """What finding an effect takes; None where no number of users would do."""

    method: str
    effect: float
    relative_effect: float | None
    alpha_per_comparison: float
    power: float
    fixed: UsersNeeded | None
    group_sequential: UsersNeeded | None
    sequential: UsersNeeded | None

    def by(self, analysis: Analysis) -> UsersNeeded | None:
        """Return the users that this analysis needs."""
        return {
            Analysis.FIXED: self.fixed,
            Analysis.GROUP_SEQUENTIAL: self.group_sequential,
            Analysis.SEQUENTIAL: self.sequential,
        }[analysis]


class Effect(NamedTuple):
    """An effect in the metric's own units and as a share of the control mean."""

    absolute: float
    relative: float | None


class Detectable(NamedTuple):
    """The smallest effect that some users can show."""

    alpha_per_comparison: float
    power: float
    fixed: Effect
    group_sequential: Effect
    sequential: Effect

    def by(self, analysis: Analysis) -> Effect:
        """Return the effect that this analysis can show."""
        return {
            Analysis.FIXED: self.fixed,
            Analysis.GROUP_SEQUENTIAL: self.group_sequential,
            Analysis.SEQUENTIAL: self.sequential,
        }[analysis]


def sample_size(outcome: Outcome, effect: float, design: Design) -> SampleSize:
    """Return the users and days that an absolute effect needs, each answer declared as planned_users.

    Source: STATISTICS 11: rates by R's power.prop.test, means by (z + z)^2 (v_C + v_T) / effect^2, both by
    the weights; group_sequential times the inflation of its 28 looks; sequential with the multiplier at
    n = N* of the last look alone, so looking on the way can only end it sooner.

    >>> plan = sample_size(Outcome(0.05), 0.005, Design(daily_users=5000))
    >>> plan.fixed, plan.sequential.users
    (UsersNeeded(users_per_variant=31234, users=62468, days=13), 119608)
    """
    rate_method = RATE_METHOD if design.is_even else UNEVEN_RATE_METHOD
    fixed = _fixed_users(outcome, effect, design)
    return SampleSize(
        rate_method if outcome.sd is None else MEAN_METHOD,
        effect,
        effect / outcome.mean if outcome.mean else None,
        design.family_alpha,
        design.power,
        fixed=_needed(fixed, design),
        group_sequential=_needed(None if fixed is None else fixed * _inflation(design), design),
        sequential=_needed(_sequential_users(outcome, effect, design), design),
    )


def detectable_effect(outcome: Outcome, users: int, design: Design) -> Detectable:
    """Return the smallest effect that `users` of all variants can show, at the control's variance.

    Source: STATISTICS 11: MDE = (z_{1-a/2} + z_power) se; sequential with the multiplier for z_{1-a/2}.

    >>> round(detectable_effect(Outcome(0.1), 28000, Design()).fixed.absolute, 6)
    0.010046
    """
    if users < 1:
        raise ValueError("a detectable effect needs at least one user")
    se = sqrt(_spread(outcome, outcome, design) / users)
    reach, level = norm_isf(1 - design.power), design.family_alpha
    planned = design.planned_users or users
    multiplier = sequence_multiplier(users / planned, level, 1.0)
    return Detectable(
        level,
        design.power,
        fixed=_effect(outcome, (norm_isf(level / 2) + reach) * se),
        group_sequential=_effect(outcome, drift_for(level, design.power) * se),
        sequential=_effect(outcome, (multiplier + reach) * se),
    )


def _fixed_users(outcome: Outcome, effect: float, design: Design) -> float | None:
    """Return the users of all variants; in an uneven split the pooled variance alone gives too few."""
    if effect == 0:
        return None
    z_alpha, z_power = norm_isf(design.family_alpha / 2), norm_isf(1 - design.power)
    moved = _moved(outcome, effect)
    spread = _spread(outcome, moved, design)
    unpooled = (z_alpha + z_power) * sqrt(spread)
    if outcome.sd is not None:
        return (unpooled / effect) ** 2
    control, treatment = design.shares
    pooled = Outcome((control * outcome.mean + treatment * moved.mean) / (control + treatment))
    root = z_alpha * sqrt(_spread(pooled, pooled, design)) + z_power * sqrt(spread)
    return ((root if design.is_even else max(root, unpooled)) / effect) ** 2


def _sequential_users(outcome: Outcome, effect: float, design: Design) -> float | None:
    """Return the users of all variants at which a sequence tuned for that number has the power."""
    if effect == 0:
        return None
    spread = _spread(outcome, _moved(outcome, effect), design)
    return (required_signal(planned_multiplier(design.family_alpha), design.power) / effect) ** 2 * spread


def _moved(outcome: Outcome, effect: float) -> Outcome:
    """Return the treatment's outcome; of a rate an effect also changes the variance."""
    if outcome.sd is not None:
        return outcome
    if not 0 <= outcome.mean + effect <= 1:
        raise ValueError("a rate lies between 0 and 1")
    return Outcome(outcome.mean + effect)


def _spread(control: Outcome, treatment: Outcome, design: Design) -> float:
    """Return the variance of the difference times the users of all variants."""
    share_control, share_treatment = design.shares
    return control.variance / share_control + treatment.variance / share_treatment


def _inflation(design: Design) -> float:
    """Return how many times the users of the fixed analysis group_sequential needs."""
    level, power = design.family_alpha, design.power
    return (drift_for(level, power) / (norm_isf(level / 2) + norm_isf(1 - power))) ** 2


def _needed(users: float | None, design: Design) -> UsersNeeded | None:
    if users is None:
        return None
    per_variant = max(1, ceil(users * design.smallest_share))
    of_all = design.users_of_all(per_variant)
    return UsersNeeded(per_variant, of_all, ceil(of_all / design.daily_users) if design.daily_users else None)


def _effect(outcome: Outcome, absolute: float) -> Effect:
    return Effect(absolute, absolute / abs(outcome.mean) if outcome.mean else None)
