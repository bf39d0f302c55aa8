"""POST /assignments - assign one user in all running and shipped experiments, or in a named list."""

from experimentation.domain.errors import FieldError, NotFoundError
from experimentation.domain.experiment import Experiment, Status
from experimentation.usecases.assigning import answer, assign_all
from experimentation.usecases.runtime import Runtime
from experimentation.web.endpoint import endpoint
from experimentation.web.schemas.assignments import AssignAllRequest

runtime = Runtime()


@endpoint(scope="assignments:write")
def handler(body: AssignAllRequest, now: int) -> dict[str, object]:
    """Answer for every experiment, enrolled or not."""
    decisions = assign_all(_experiments(body.experiments, now), body.user_id, body.context, runtime)
    return {"user_id": body.user_id, "assignments": [answer(each) for each in decisions]}


def _experiments(names: list[str] | None, now: int) -> list[Experiment]:
    if names is None:
        return runtime.experiments.shipped_or({Status.RUNNING}, now)
    found = runtime.experiments.read_many(names, now)
    unknown = [
        FieldError(f"/experiments/{index}", f"there is no experiment {name}")
        for index, name in enumerate(names)
        if name not in found
    ]
    if unknown:
        raise NotFoundError("Some of the experiments do not exist.", unknown)
    return list(found.values())
