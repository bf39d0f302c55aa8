"""POST /experiments/{experiment_id}/status - start, pause, resume, complete or ship an experiment."""

from experimentation.clock import wall_clock
from experimentation.domain.changes import edited
from experimentation.domain.experiment import Experiment, Status
from experimentation.domain.lifecycle import transition
from experimentation.storage import experiments, prerequisites
from experimentation.web.endpoint import endpoint
from experimentation.web.experiment_replies import author, require_version, written_reply
from experimentation.web.principals import Principal
from experimentation.web.reply import Reply
from experimentation.web.request import Request
from experimentation.web.schemas.experiments import StatusChange
from experimentation.web.schemas.types import ExperimentId


@endpoint(scope="experiments:write")
def handler(
    experiment_id: ExperimentId, body: StatusChange, principal: Principal, request: Request, now: int
) -> Reply:
    """Take the step; 409 for one that the life of an experiment does not know.

    With `ship` everybody gets that variant from now on, and nobody is enrolled. A completed experiment takes
    `ship`, `conclusion` and `note` again: null withdraws what was shipped.
    """
    ending = body.ending()

    def apply(experiment: Experiment) -> Experiment:
        # The time of the write, not of the request: `ended_at` must lie ahead of it, however slow the read.
        found, at = require_version(request, experiment), wall_clock()
        if not (ending and found.status is body.status is Status.COMPLETED):
            found = transition(found, body.status, at)
        return edited(found, ending, at)

    changed = experiments.change(
        experiment_id,
        apply,
        now=now,
        actor=author(principal),
        action="status",
        checks=prerequisites.checks_at_start,
    )
    return written_reply(changed)
