"""What must hold between an experiment and those that it builds on, checked where it is written."""

from experimentation.domain.errors import ConflictError, FieldError, InvalidError, NotFoundError
from experimentation.domain.experiment import Experiment, Prerequisite
from experimentation.domain.prerequisites import DEEPEST
from experimentation.storage import experiment_items as items
from experimentation.storage import experiments
from experimentation.storage.aws.transactions import Action

POINTER = "/prerequisite/experiment_id"


def checks(before: Experiment | None, after: Experiment) -> list[Action]:
    """Return the checks that everything `after` builds on is still as it was read; none without a new one.

    Of rivals that would close a cycle together, each checks what another changes, so one of them fails.
    ConflictError for a cycle or a chain that is too long, InvalidError for what is not there.
    """
    wanted = after.prerequisite
    if wanted is None or (before is not None and before.prerequisite == wanted):
        return []
    found: list[Action] = []
    step: Prerequisite | None = wanted
    while step is not None:
        if step.experiment_id == after.id:
            raise ConflictError(
                "An experiment cannot build on itself.",
                [FieldError(POINTER, f"{wanted.experiment_id} builds on {after.id}")],
            )
        if len(found) == DEEPEST:
            raise ConflictError(
                f"At most {DEEPEST} experiments build on each other.",
                [FieldError(POINTER, "builds on too many")],
            )
        try:
            each = experiments.read(step.experiment_id, consistent=True)
        except NotFoundError:
            if step is wanted:
                raise _missing(wanted) from None
            return [*found, items.absent(step.experiment_id)]
        if step is wanted:
            _require_variants(wanted, each)
        found.append(items.unchanged(each))
        step = each.prerequisite
    return found


def checks_at_start(before: Experiment | None, after: Experiment) -> list[Action]:
    """Return no checks; ConflictError for a start that nobody could take part in.

    A prerequisite that is still a draft can be deleted, or get other variants.
    """
    wanted = after.prerequisite
    if before is None or before.started_at == after.started_at or wanted is None:
        return []
    try:
        _require_variants(wanted, _found(wanted))
    except InvalidError as error:
        # What was asked for is right; the draft is not any more.
        raise ConflictError(error.detail, error.errors) from None
    return []


def _found(wanted: Prerequisite) -> Experiment:
    try:
        return experiments.read(wanted.experiment_id, consistent=True)
    except NotFoundError:
        raise _missing(wanted) from None


def _missing(wanted: Prerequisite) -> InvalidError:
    return InvalidError(
        "The prerequisite does not exist.",
        [FieldError(POINTER, f"there is no experiment {wanted.experiment_id}")],
    )


def _require_variants(wanted: Prerequisite, experiment: Experiment) -> None:
    faults = [
        FieldError(f"/prerequisite/variants/{index}", f"is no variant of {experiment.id}")
        for index, key in enumerate(wanted.variants)
        if key not in experiment.keys
    ]
    if faults:
        raise InvalidError("The prerequisite names unknown variants.", faults)
