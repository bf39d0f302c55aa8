"""GET /assignments - the experiments in which a user is enrolled."""

from experimentation.domain.assignment import Decision, Reason
from experimentation.domain.counting.ledger import END
from experimentation.storage import experiments, users
from experimentation.usecases.assigning import answer
from experimentation.web.endpoint import endpoint
from experimentation.web.schemas.assignments import UserQuery


@endpoint(scope="assignments:read")
def handler(query: UserQuery) -> dict[str, object]:
    """Answer every stored assignment, oldest first; overrides are not stored."""
    head = users.read_head(query.user_id, consistent=True)
    past = users.read_past(query.user_id) if head.past_until else ()
    boundaries = [boundary for boundary in past + head.boundaries if boundary.variant != END]
    stored = experiments.read_many(boundary.experiment_id for boundary in boundaries)
    decisions = [
        Decision(stored[boundary.experiment_id], query.user_id, boundary.variant, boundary.at, Reason.STORED)
        for boundary in boundaries
        if boundary.experiment_id in stored
    ]
    return {"user_id": query.user_id, "assignments": list(map(answer, decisions))}
