"""PATCH /experiments/{experiment_id} - change what may be changed in the experiment's status."""

from collections.abc import Mapping

from experimentation.domain.changes import edited
from experimentation.domain.errors import ConflictError, FieldError
from experimentation.domain.experiment import Experiment
from experimentation.storage import assignments, experiments, prerequisites
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
        _refuse_enrolled(require_version(request, experiment), edit.get("overrides", {}))
        return edited(experiment, edit, now)

    return written_reply(
        experiments.change(
            experiment_id, apply, now=now, actor=author(principal), checks=prerequisites.checks
        )
    )


def _refuse_enrolled(experiment: Experiment, overrides: Mapping[str, str]) -> None:
    """Raise ConflictError for an override of a user who counts already: overridden ones never do."""
    new = overrides.keys() - experiment.overrides.keys()
    counted = assignments.enrolled(experiment.id, sorted(new)) if experiment.started_at and new else set()
    if counted:
        faults = [FieldError("/overrides", f"{user_id} is enrolled already") for user_id in sorted(counted)]
        raise ConflictError("A user who is enrolled keeps the variant and counts; override another.", faults)
