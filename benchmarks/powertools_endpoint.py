"""The assignment endpoint as Powertools' validating resolver has it: compared with our wrapper's start."""

from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import UnauthorizedError

from experimentation.clock import wall_clock
from experimentation.usecases.assigning import Reason, answer, assign
from experimentation.usecases.runtime import Runtime
from experimentation.web.principals import authenticate
from experimentation.web.request import request_from
from experimentation.web.schemas.assignments import AssignmentRequest
from experimentation.web.schemas.types import ExperimentId

app = APIGatewayHttpResolver(enable_validation=True)
logger = Logger()
metrics = Metrics()
runtime = Runtime()


@app.post("/experiments/<experiment_id>/assignments")
def assign_user(experiment_id: ExperimentId, body: AssignmentRequest) -> Response[dict[str, Any]]:
    """Answer 201 when the assignment is new, else 200."""
    now = wall_clock()
    principal = authenticate(request_from(app.current_event.raw_event), now)
    if principal is None or "assignments:write" not in principal.scopes:
        raise UnauthorizedError("This needs a token.")
    decision = assign(runtime.experiments.read(experiment_id, now), body.user_id, body.context, runtime)
    status = 201 if decision.reason is Reason.ASSIGNED else 200
    return Response(status_code=status, content_type="application/json", body=answer(decision))


@metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer one event of API Gateway (payload 2.0)."""
    answered = app.resolve(event, context)
    logger.info("request", status=answered["statusCode"])
    metrics.add_metric(name="Requests", unit="Count", value=1)
    return answered
