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
    """Change the status; 409 for a step that the lifecycle does not allow.

    `ship` gives everybody that variant from now on and enrols nobody. A completed experiment accepts `ship`,
    `conclusion` and `note` again: null withdraws the shipped variant.
    """
    ending = body.ending()

    def apply(experiment: Experiment) -> Experiment:
        # The time of the write, not of the request: `ended_at` must lie ahead of it, however slow the read.
        current, at = require_version(request, experiment), wall_clock()
        if not (ending and current.status is body.status is Status.COMPLETED):
            current = transition(current, body.status, at)
        return edited(current, ending, at)

    changed = experiments.change(
        experiment_id,
        apply,
        now=now,
        actor=author(principal),
        action="status",
        checks=prerequisites.checks_at_start,
    )
    return written_reply(changed)
