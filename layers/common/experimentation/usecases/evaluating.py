"""Experiments as feature flags (OFREP): which a user can see, and what each evaluates to."""

from experimentation.domain.assignment import Decision, Reason
from experimentation.domain.experiment import Experiment, Status
from experimentation.domain.flag_value import flag_value
from experimentation.storage import users
from experimentation.usecases.runtime import Runtime

REASONS = {
    Reason.ASSIGNED: "SPLIT",
    Reason.DRAWN: "SPLIT",
    Reason.STORED: "SPLIT",
    Reason.OVERRIDE: "TARGETING_MATCH",
    Reason.SHIPPED: "STATIC",
    Reason.NOT_IN_TRAFFIC: "STATIC",
    Reason.NOT_IN_AUDIENCE: "STATIC",
    Reason.PREREQUISITE: "STATIC",
    Reason.NOT_RUNNING: "DISABLED",
    Reason.TOO_MANY: "DEFAULT",
}
OPEN = frozenset({Status.RUNNING, Status.PAUSED})


def evaluation(decision: Decision) -> dict[str, object]:
    """Return the flag as OFREP has it; a user who takes no part gets the control's value."""
    variant = decision.experiment.variant(decision.variant or decision.experiment.control)
    return {
        "key": decision.experiment.id,
        "value": flag_value(variant),
        "variant": variant.key,
        "reason": REASONS[decision.reason],
        "metadata": {"enrolled": decision.enrolled},
    }


def flags_of(user_id: str, now: int, runtime: Runtime) -> list[Experiment]:
    """Return the experiments that are flags for this user, in the order of their ids.

    They are the running, the paused and the shipped ones, drafts in which the user has an override, and
    completed ones in which the user still has a variant.
    """
    current = runtime.experiments.shipped_or(OPEN | {Status.DRAFT}, now)
    flags = {
        each.id: each for each in current if each.status is not Status.DRAFT or user_id in each.overrides
    }
    head = users.read_head(user_id, consistent=False)
    assigned = {boundary.experiment_id for boundary in head.boundaries}
    flags |= runtime.experiments.read_many(assigned - flags.keys(), now)
    return [flags[experiment_id] for experiment_id in sorted(flags)]
