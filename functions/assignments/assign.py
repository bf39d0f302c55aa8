"""POST /experiments/{experiment_id}/assignments - assign one user; later calls return the same variant."""

from experimentation.domain.assignment import Reason
from experimentation.usecases.assigning import answer, assign
from experimentation.usecases.runtime import Runtime
from experimentation.web.endpoint import endpoint
from experimentation.web.reply import Reply
from experimentation.web.schemas.assignments import AssignmentRequest
from experimentation.web.schemas.types import ExperimentId

runtime = Runtime()


@endpoint(scope="assignments:write")
def handler(experiment_id: ExperimentId, body: AssignmentRequest, now: int) -> Reply:
    """Answer 201 when the assignment is new, else 200.

    A draft's start takes effect at once, every other change of an experiment within 5 seconds.
    """
    experiment = runtime.experiments.read(experiment_id, now)
    decision = assign(experiment, body.user_id, body.context, runtime)
    is_new = decision.reason is Reason.ASSIGNED
    return Reply(answer(decision), status=201 if is_new else 200)
