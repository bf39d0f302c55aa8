"""An experiment's plan: the users that its minimum effect needs, the effect that its users can show."""

from typing import NamedTuple

from experimentation.domain.experiment import Experiment, Kind, Role
from experimentation.domain.statistics.planning import Design, Outcome, detectable_effect, sample_size

RATES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
SPREADS = (0.5, 1.0, 2.0, 5.0)
"""Standard deviations per mean: orders per user are near 1, revenue per user is often 2 to 5."""


class Planned(NamedTuple):
    """One metric at one baseline: users that the minimum effect needs, effect that the planned users show."""

    metric: str
    baseline: dict[str, float]
    required_users: int | None
    detectable_effect: float | None


def is_comparable(experiment: Experiment) -> bool:
    """Say whether the control and some treatment get users; else there is nothing to plan."""
    weights = {variant.key: variant.weight for variant in experiment.variants}
    return weights.pop(experiment.control) > 0 and any(weights.values())


def design_of(experiment: Experiment) -> Design:
    """Return the experiment's design: the variants that get users, the control first."""
    weights = {variant.key: variant.weight for variant in experiment.variants}
    control = weights.pop(experiment.control)
    return Design(
        weights=(control, *(weight for weight in weights.values() if weight)),
        primary_metrics=max(1, sum(metric.role is Role.PRIMARY for metric in experiment.metrics)),
        planned_users=experiment.planned_users,
    )


def plan(experiment: Experiment) -> list[Planned]:
    """Return the plan of each primary metric (of every metric if none is primary) over usual baselines.

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
    if experiment.minimum_effect is None or not is_comparable(experiment):
        return None
    effect = float(experiment.minimum_effect) * outcome.mean
    if _is_above_one(outcome, effect):
        return None
    needed = sample_size(outcome, effect, design_of(experiment)).by(experiment.analysis)
    return None if needed is None else needed.users


def _detectable(experiment: Experiment, outcome: Outcome) -> float | None:
    if experiment.planned_users is None or not is_comparable(experiment):
        return None
    detectable = detectable_effect(outcome, experiment.planned_users, design_of(experiment))
    effect = detectable.by(experiment.analysis)
    return None if _is_above_one(outcome, effect.absolute) else effect.relative


def _is_above_one(outcome: Outcome, effect: float) -> bool:
    """Say whether the effect would raise a rate above 1."""
    return outcome.sd is None and outcome.mean + effect > 1
