"""DELETE /experiments/{experiment_id} - delete a draft; its history stays."""

from experimentation.domain.experiment import Experiment
from experimentation.domain.lifecycle import removable
from experimentation.storage import experiments
from experimentation.web.endpoint import endpoint
from experimentation.web.experiment_replies import author, require_version
from experimentation.web.principals import Principal
from experimentation.web.reply import Reply
from experimentation.web.request import Request
from experimentation.web.schemas.types import ExperimentId


@endpoint(scope="experiments:write", status=204)
def handler(experiment_id: ExperimentId, principal: Principal, request: Request, now: int) -> Reply:
    """Delete it; 409 once it has run."""

    def permit(experiment: Experiment) -> None:
        removable(require_version(request, experiment))

    experiments.delete(experiment_id, permit, now=now, actor=author(principal))
    return Reply(status=204)
