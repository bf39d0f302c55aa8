"""GET /experiments/{experiment_id}/assignments - a user's assignment, without side effect, and why."""

from experimentation.domain.assignment import Decision, Reason
from experimentation.domain.errors import NotFoundError
from experimentation.domain.explanation import explain
from experimentation.storage import assignments, experiments
from experimentation.usecases.assigning import answer
from experimentation.web.endpoint import endpoint
from experimentation.web.schemas.assignments import AssignmentQuery
from experimentation.web.schemas.types import ExperimentId


@endpoint(scope="assignments:read")
def handler(experiment_id: ExperimentId, query: AssignmentQuery) -> dict[str, object]:
    """Answer what is stored, or the override; 404 when the user has neither, unless asked to explain."""
    experiment = experiments.read(experiment_id)
    kept = assignments.read(experiment_id, query.user_id)
    override = experiment.overrides.get(query.user_id)
    if override is not None:
        found = Decision(experiment, query.user_id, override, None, Reason.OVERRIDE)
    elif kept is not None:
        found = Decision(experiment, query.user_id, kept.variant, kept.assigned_at, Reason.STORED)
    elif query.explain:
        return {"experiment_id": experiment_id, "user_id": query.user_id, "enrolled": False} | {
            "explanation": explain(experiment, query.user_id)
        }
    else:
        raise NotFoundError(f"the user has no assignment in {experiment_id}")
    if not query.explain:
        return answer(found)
    stored = {"context": dict(kept.context), "imported": kept.imported} if kept else {}
    return answer(found) | stored | {"explanation": explain(experiment, query.user_id)}
