"""PATCH /experiments/{experiment_id} - change the fields that the experiment's status lets change."""

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
    """Raise ConflictError for an override of an enrolled user: overridden users are never counted."""
    new = overrides.keys() - experiment.overrides.keys()
    if not experiment.started_at or not new:
        return
    enrolled = assignments.enrolled(experiment.id, sorted(new))
    if enrolled:
        faults = [FieldError("/overrides", f"{user_id} is enrolled already") for user_id in sorted(enrolled)]
        raise ConflictError("A user who is enrolled keeps the variant and counts; override another.", faults)
