"""GET /experiments/{experiment_id}/assignments - a user's assignment, without side effect, and why."""

from experimentation import patterns
from experimentation.domain.assignment import Assignment, Decision, Reason
from experimentation.domain.clock import rfc3339
from experimentation.domain.errors import NotFoundError
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
    """Answer what is shipped, the override or what is stored; 404 when there is none, unless to explain.

    An explanation also says which variant the user had, where another is shipped.
    """
    experiment = experiments.read(experiment_id)
    kept = assignments.read(experiment_id, query.user_id)
    override = experiment.overrides.get(query.user_id)
    if experiment.ship is not None:
        found = Decision(experiment, query.user_id, experiment.ship, None, Reason.SHIPPED)
    elif override is not None:
        found = Decision(experiment, query.user_id, override, None, Reason.OVERRIDE)
    elif kept is not None:
        found = Decision(experiment, query.user_id, kept.variant, kept.assigned_at, Reason.STORED)
    elif query.explain:
        found = None
    else:
        raise NotFoundError(f"The user has no assignment in {experiment_id}.")
    if found is not None and not query.explain:
        return answer(found)
    context = query.context or (kept.context if kept else {})
    base = base_answer(experiment, query.user_id, context, runtime)
    explanation = explain(experiment, query.user_id, context, patterns.search, base)
    nobody = {"experiment_id": experiment_id, "user_id": query.user_id, "enrolled": False}
    shown = nobody if found is None else answer(found)
    return shown | _stored(kept) | {"explanation": explanation}


def _stored(kept: Assignment | None) -> dict[str, object]:
    if kept is None:
        return {}
    stored = {"variant": kept.variant, "assigned_at": rfc3339(kept.assigned_at)}
    return {"context": dict(kept.context), "imported": kept.imported, "stored": stored}
