"""GET /assignments - the experiments that a user is in."""

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
    known = experiments.read_many(boundary.experiment_id for boundary in boundaries)
    found = [
        answer(Decision(known[b.experiment_id], query.user_id, b.variant, b.at, Reason.STORED))
        for b in boundaries
        if b.experiment_id in known
    ]
    return {"user_id": query.user_id, "assignments": found}
