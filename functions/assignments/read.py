"""GET /experiments/{experiment_id}/assignments - a user's assignment, without side effects, and why."""

from experimentation import patterns
from experimentation.domain.assignment import Assignment, Decision, Reason
from experimentation.domain.clock import rfc3339
from experimentation.domain.errors import NotFoundError
from experimentation.domain.experiment import Experiment
from experimentation.domain.explanation import explain
from experimentation.storage import assignments, experiments
from experimentation.usecases.assigning import answer, base_answer
from experimentation.usecases.runtime import Runtime
from experimentation.web.endpoint import endpoint
from experimentation.web.schemas.assignments import AssignmentQuery
from experimentation.web.schemas.types import ExperimentId

runtime = Runtime()


@endpoint(scope="assignments:read")
def handler(experiment_id: ExperimentId, query: AssignmentQuery) -> dict[str, object]:
    """Answer the shipped variant, the override or the stored assignment; 404 without any, unless to explain.

    An explanation also has the stored variant, where another is shipped.
    """
    experiment = experiments.read(experiment_id)
    stored = assignments.read(experiment_id, query.user_id)
    decision = _decision(experiment, query.user_id, stored)
    if decision is None and not query.explain:
        raise NotFoundError(f"The user has no assignment in {experiment_id}.")
    nobody = {"experiment_id": experiment_id, "user_id": query.user_id, "enrolled": False}
    shown = nobody if decision is None else answer(decision)
    if not query.explain:
        return shown
    context = query.context or (stored.context if stored else {})
    base = base_answer(experiment, query.user_id, context, runtime)
    explanation = explain(experiment, query.user_id, context, patterns.search, base)
    return shown | _stored(stored) | {"explanation": explanation}


def _decision(experiment: Experiment, user_id: str, stored: Assignment | None) -> Decision | None:
    if experiment.ship is not None:
        return Decision(experiment, user_id, experiment.ship, None, Reason.SHIPPED)
    if user_id in experiment.overrides:
        return Decision(experiment, user_id, experiment.overrides[user_id], None, Reason.OVERRIDE)
    if stored is not None:
        return Decision(experiment, user_id, stored.variant, stored.assigned_at, Reason.STORED)
    return None


def _stored(assignment: Assignment | None) -> dict[str, object]:
    if assignment is None:
        return {}
    stored = {"variant": assignment.variant, "assigned_at": rfc3339(assignment.assigned_at)}
    return {"context": dict(assignment.context), "imported": assignment.imported, "stored": stored}
