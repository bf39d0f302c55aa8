"""POST /ofrep/v1/evaluate/flags/{key} - evaluate one flag for an OpenFeature provider."""

from experimentation.usecases.assigning import assign
from experimentation.usecases.evaluating import evaluation
from experimentation.usecases.runtime import Runtime
from experimentation.web.endpoint import endpoint
from experimentation.web.ofrep_failures import render
from experimentation.web.schemas.ofrep import EvaluationRequest, FlagKey, subject

runtime = Runtime()


@endpoint(scope="assignments:write", render_problem=render)
def handler(key: FlagKey, body: EvaluationRequest | None, now: int) -> dict[str, object]:
    """Assign the user in the experiment of that id and answer the variant's value."""
    user = subject(body)
    experiment = runtime.experiments.read(key, now)
    decision = assign(experiment, user.user_id, user.context, runtime)
    return evaluation(decision)
