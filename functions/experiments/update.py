"""PATCH /experiments/{experiment_id} - change what may be changed in the experiment's status."""

from experimentation.domain.changes import edited
from experimentation.domain.experiment import Experiment
from experimentation.storage import experiments
from experimentation.web.endpoint import endpoint
from experimentation.web.experiment_replies import author, require_version, written_reply
from experimentation.web.principals import Principal
from experimentation.web.reply import Reply
from experimentation.web.request import Request
from experimentation.web.schemas.experiments import ExperimentPatch
from experimentation.web.schemas.types import ExperimentId


@endpoint(scope="experiments:write")
def handler(
    experiment_id: ExperimentId, body: ExperimentPatch, principal: Principal, request: Request, now: int
) -> Reply:
    """Apply the patch to the stored version, or to the one that If-Match names."""
    edit = body.edit()

    def apply(experiment: Experiment) -> Experiment:
        return edited(require_version(request, experiment), edit, now)

    return written_reply(experiments.change(experiment_id, apply, now=now, actor=author(principal)))
