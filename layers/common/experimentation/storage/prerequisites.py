"""Conditions on the experiments that an experiment builds on, checked where it is written."""

from experimentation.domain.errors import ConflictError, FieldError, InvalidError, NotFoundError
from experimentation.domain.experiment import Experiment, Prerequisite
from experimentation.domain.prerequisites import DEEPEST
from experimentation.storage import experiment_items as items
from experimentation.storage import experiments
from experimentation.storage.aws.transactions import Action

POINTER = "/prerequisite/experiment_id"


def checks(before: Experiment | None, after: Experiment) -> list[Action]:
    """Return the checks that every experiment `after` builds on is unchanged; none for the same prerequisite.

    Of concurrent changes that would close a cycle together, each checks what another changes: one fails.
    ConflictError for a cycle or a chain that is too long, InvalidError for an unknown experiment or variant.
    """
    direct = after.prerequisite
    if direct is None or (before is not None and before.prerequisite == direct):
        return []
    chain: list[Action] = []
    step: Prerequisite | None = direct
    while step is not None:
        _require_short_chain(direct, step, after, len(chain))
        experiment = _find(step.experiment_id)
        if step is direct:
            _require_variants(direct, experiment)
        if experiment is None:
            return [*chain, items.absent(step.experiment_id)]
        chain.append(items.unchanged(experiment))
        step = experiment.prerequisite
    return chain


def checks_at_start(before: Experiment | None, after: Experiment) -> list[Action]:
    """Return no checks; ConflictError for a start that nobody could take part in.

    A prerequisite that is still a draft can be deleted, or get other variants.
    """
    wanted = after.prerequisite
    if before is None or before.started_at == after.started_at or wanted is None:
        return []
    try:
        _require_variants(wanted, _find(wanted.experiment_id))
    except InvalidError as error:
        # What was asked for is right; the draft is not any more.
        raise ConflictError(error.detail, error.errors) from None
    return []


def _find(experiment_id: str) -> Experiment | None:
    try:
        return experiments.read(experiment_id, consistent=True)
    except NotFoundError:
        return None


def _require_short_chain(direct: Prerequisite, step: Prerequisite, after: Experiment, length: int) -> None:
    if step.experiment_id == after.id:
        raise ConflictError(
            "An experiment cannot build on itself.",
            [FieldError(POINTER, f"{direct.experiment_id} builds on {after.id}")],
        )
    if length == DEEPEST:
        raise ConflictError(
            f"At most {DEEPEST} experiments build on each other.", [FieldError(POINTER, "builds on too many")]
        )


def _require_variants(wanted: Prerequisite, experiment: Experiment | None) -> None:
    if experiment is None:
        raise InvalidError(
            "The prerequisite does not exist.",
            [FieldError(POINTER, f"there is no experiment {wanted.experiment_id}")],
        )
    faults = [
        FieldError(f"/prerequisite/variants/{index}", f"is no variant of {experiment.id}")
        for index, key in enumerate(wanted.variants)
        if key not in experiment.keys
    ]
    if faults:
        raise InvalidError("The prerequisite names unknown variants.", faults)
