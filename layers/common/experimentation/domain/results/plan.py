"""An experiment's own plan: what its minimum effect takes, and what its planned users can show."""

from typing import NamedTuple

from experimentation.domain.experiment import MILLION, Analysis, Experiment, Kind, Role
from experimentation.domain.statistics.planning import (
    Design,
    Effect,
    Outcome,
    UsersNeeded,
    detectable_effect,
    sample_size,
)

RATES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
SPREADS = (0.5, 1.0, 2.0, 5.0)
"""Standard deviations per mean: orders per user are near 1, revenue per user is often 2 to 5."""


class Planned(NamedTuple):
    """One metric at one baseline: users that the minimum effect takes, effect that the users can show."""

    metric: str
    baseline: dict[str, float]
    required_users: int | None
    detectable_effect: float | None


def design_of(experiment: Experiment) -> Design:
    """Return the experiment's design; uneven weights count as if every variant were the smallest one.

    That overstates the users needed, never understates them.
    """
    variants, share = len(experiment.variants), smallest_share(experiment)
    planned = experiment.planned_users
    return Design(
        variants=variants,
        primary_metrics=max(1, sum(metric.role is Role.PRIMARY for metric in experiment.metrics)),
        planned_users=None if planned is None else max(1, round(planned * share * variants)),
    )


def smallest_share(experiment: Experiment) -> float:
    """Return the share of the users that the smallest variant gets; those of weight 0 take no part."""
    return min(variant.weight for variant in experiment.variants if variant.weight) / MILLION


def planned_users_per_variant(experiment: Experiment) -> int | None:
    """Return how many of the planned users the smallest variant gets."""
    if experiment.planned_users is None:
        return None
    return max(1, int(experiment.planned_users * smallest_share(experiment)))


def users_of_all(users_per_variant: int, experiment: Experiment) -> int:
    """Return how many users it takes until the smallest variant has `users_per_variant`."""
    return -(-users_per_variant * MILLION // min(v.weight for v in experiment.variants if v.weight))


def plan(experiment: Experiment) -> list[Planned]:
    """Return the plan of each primary metric (of every metric where none is) over usual baselines.

    Effects are relative to the control's mean and are read by the declared analysis.
    """
    primary = [metric for metric in experiment.metrics if metric.role is Role.PRIMARY]
    return [
        _planned(experiment, metric.key, outcome)
        for metric in primary or experiment.metrics
        for outcome in _outcomes(metric.kind)
    ]


def _outcomes(kind: Kind) -> list[Outcome]:
    if kind is Kind.CONVERSION:
        return [Outcome(rate) for rate in RATES]
    return [Outcome(1.0, spread) for spread in SPREADS]


def _planned(experiment: Experiment, metric: str, outcome: Outcome) -> Planned:
    baseline = {"rate": outcome.mean} if outcome.sd is None else {"sd_per_mean": outcome.sd}
    return Planned(metric, baseline, _required(experiment, outcome), _detectable(experiment, outcome))


def _required(experiment: Experiment, outcome: Outcome) -> int | None:
    if experiment.minimum_effect is None:
        return None
    effect = float(experiment.minimum_effect) * outcome.mean
    if outcome.sd is None and outcome.mean + effect > 1:
        return None
    needs = sample_size(outcome, effect, design_of(experiment))
    needed: UsersNeeded | None = needs.fixed if _is_fixed(experiment) else needs.sequential
    return None if needed is None else users_of_all(needed.users_per_variant, experiment)


def _detectable(experiment: Experiment, outcome: Outcome) -> float | None:
    users = planned_users_per_variant(experiment)
    if users is None:
        return None
    found = detectable_effect(outcome, users, design_of(experiment))
    effect: Effect = found.fixed if _is_fixed(experiment) else found.sequential
    beyond = outcome.sd is None and outcome.mean + effect.absolute > 1
    return None if beyond else effect.relative


def _is_fixed(experiment: Experiment) -> bool:
    return experiment.analysis is Analysis.FIXED
