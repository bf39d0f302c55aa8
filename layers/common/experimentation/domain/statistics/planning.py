"""Planning an experiment: users, days and detectable effect, for fixed and for sequential analysis."""

from math import ceil, sqrt
from typing import NamedTuple

from experimentation.domain.statistics.power import required_multiple, sample_size_proportion
from experimentation.domain.statistics.sequential import DEFAULT_TUNING_N, sequence_multiplier
from experimentation.domain.statistics.study import ERROR_RATE, POWER
from experimentation.domain.statistics.tails import norm_isf

RATE_METHOD = "pooled-null two-proportion formula"
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
    """How the experiment will be run: variants of equal weight, control included."""

    variants: int = 2
    primary_metrics: int = 1
    alpha: float = ERROR_RATE
    power: float = POWER
    daily_users: float | None = None
    planned_users: int | None = None

    @property
    def family_alpha(self) -> float:
        """Return the error rate of one comparison after Bonferroni over primary metrics x treatments."""
        return self.alpha / (self.primary_metrics * (self.variants - 1))

    @property
    def tuning_n(self) -> float:
        """Return N* of the confidence sequence: the pair's share of planned_users, else 5000."""
        return 2 * self.planned_users / self.variants if self.planned_users else DEFAULT_TUNING_N


class UsersNeeded(NamedTuple):
    """Users and days; days are None without a number of daily users."""

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
    sequential: UsersNeeded | None


class Effect(NamedTuple):
    """An effect in the metric's own units and as a share of the control mean."""

    absolute: float
    relative: float | None


class Detectable(NamedTuple):
    """The smallest effect that some users can show."""

    alpha_per_comparison: float
    power: float
    fixed: Effect
    sequential: Effect


def sample_size(outcome: Outcome, effect: float, design: Design) -> SampleSize:
    """Return the users and days that an absolute effect needs.

    Source: STATISTICS 11: rates by R's power.prop.test, means by (z + z)^2 2 v / effect^2; sequential with
    the multiplier for z_{1-a/2} at the last look alone, so looking on the way can only end it sooner.

    >>> plan = sample_size(Outcome(0.05), 0.005, Design(daily_users=5000))
    >>> plan.fixed
    UsersNeeded(users_per_variant=31234, users=62468, days=13)
    """
    fixed, sequential = _fixed_users(outcome, effect, design), _sequential_users(outcome, effect, design)
    return SampleSize(
        RATE_METHOD if outcome.sd is None else MEAN_METHOD,
        effect,
        effect / outcome.mean if outcome.mean else None,
        design.family_alpha,
        design.power,
        _needed(fixed, design),
        _needed(sequential, design),
    )


def detectable_effect(outcome: Outcome, users_per_variant: int, design: Design) -> Detectable:
    """Return the smallest effect that users_per_variant users can show, both arms at the control's variance.

    Source: STATISTICS 11: MDE = (z_{1-a/2} + z_power) se; sequential with the multiplier for z_{1-a/2}.

    >>> round(detectable_effect(Outcome(0.1), 14000, Design()).fixed.absolute, 6)
    0.010046
    """
    if users_per_variant < 1:
        raise ValueError("a detectable effect needs at least one user per variant")
    se = sqrt(2 * outcome.variance / users_per_variant)
    reach = norm_isf(1 - design.power)
    multiplier = sequence_multiplier(2 * users_per_variant, design.family_alpha, design.tuning_n)
    return Detectable(
        design.family_alpha,
        design.power,
        _effect(outcome, (norm_isf(design.family_alpha / 2) + reach) * se),
        _effect(outcome, (multiplier + reach) * se),
    )


def _fixed_users(outcome: Outcome, effect: float, design: Design) -> float | None:
    if effect == 0:
        return None
    if outcome.sd is None:
        moved = outcome.mean + effect
        return sample_size_proportion(outcome.mean, moved, design.family_alpha, design.power).n_per_arm
    z_sum = norm_isf(design.family_alpha / 2) + norm_isf(1 - design.power)
    return z_sum**2 * 2 * outcome.variance / effect**2


def _sequential_users(outcome: Outcome, effect: float, design: Design) -> float | None:
    """Return users per variant at which the sequence excludes 0 with the asked power."""
    moved = Outcome(outcome.mean + effect) if outcome.sd is None else outcome
    variance = outcome.variance + moved.variance
    if effect == 0:
        return None
    if variance <= 0:
        return 1.0
    signal = abs(effect) / sqrt(variance)
    return required_multiple(signal, 2, design.family_alpha, design.power, design.tuning_n)


def _needed(users_per_variant: float | None, design: Design) -> UsersNeeded | None:
    if users_per_variant is None:
        return None
    each = max(1, ceil(users_per_variant))
    users = each * design.variants
    return UsersNeeded(each, users, ceil(users / design.daily_users) if design.daily_users else None)


def _effect(outcome: Outcome, absolute: float) -> Effect:
    return Effect(absolute, absolute / abs(outcome.mean) if outcome.mean else None)
