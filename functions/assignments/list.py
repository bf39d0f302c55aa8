"""GET /assignments - the experiments in which a user is enrolled."""

from experimentation.domain.assignment import Decision, Reason
from experimentation.domain.counting.ledger import END
from experimentation.storage import experiments
from experimentation.usecases.assigning import answer
from experimentation.usecases.runtime import Runtime
from experimentation.usecases.user_history import read_user
from experimentation.web.endpoint import endpoint
from experimentation.web.schemas.assignments import UserQuery

runtime = Runtime()


@endpoint(scope="assignments:read")
def handler(query: UserQuery) -> dict[str, object]:
    """Answer every stored assignment, oldest first; overrides are not stored."""
    boundaries = [each for each in read_user(query.user_id, runtime).boundaries if each.variant != END]
    stored = experiments.read_many(boundary.experiment_id for boundary in boundaries)
    decisions = [
        Decision(stored[boundary.experiment_id], query.user_id, boundary.variant, boundary.at, Reason.STORED)
        for boundary in boundaries
        if boundary.experiment_id in stored
    ]
    return {"user_id": query.user_id, "assignments": list(map(answer, decisions))}
