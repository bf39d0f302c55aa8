"""Small endpoints, one for each thing that the wrapper does."""

from typing import Annotated

from pydantic import BeforeValidator, Field, JsonValue

from experimentation.domain.errors import ExperimentationError, RetryLaterError
from experimentation.web.endpoint import Endpoint, endpoint
from experimentation.web.principals import Principal
from experimentation.web.problems import Problem
from experimentation.web.reply import Reply
from experimentation.web.request import Request
from experimentation.web.schemas.model import RequestModel
from experimentation.web.schemas.types import EventType, ExperimentId, Limit, Timestamp, UserId


class Order(RequestModel):
    """A body with one of each."""

    count: int = 1
    share: float = 0.5
    name: str = ""
    at: Timestamp = 0
    user_id: UserId = "u1"
    type: EventType = "purchase"
    anything: JsonValue = None
    lines: tuple[int, ...] = ()


class Filter(RequestModel):
    """Query parameters."""

    limit: Limit = 10
    names: Annotated[list[str], BeforeValidator(lambda text: text.split(","))] = Field(default_factory=list)
    explain: bool = False


@endpoint(scope="anyone", status=201)
def order(body: Order) -> dict[str, object]:
    """Echo a body."""
    return {"count": body.count, "at": body.at, "anything": body.anything, "user_id": body.user_id}


@endpoint(scope="anyone")
def maybe(body: Order | None) -> dict[str, object]:
    """Tell whether there was a body."""
    return {"given": body is not None}


@endpoint(scope="anyone")
def filtered(query: Filter) -> dict[str, object]:
    """Echo the query."""
    return query.model_dump()


@endpoint(scope="anyone", form=True, max_body=100)
def form(body: Order) -> dict[str, object]:
    """Echo a form."""
    return {"name": body.name}


@endpoint(scope="experiments:read", cache="max-age=60")
def parts(experiment_id: ExperimentId, principal: Principal, request: Request, now: int) -> dict[str, object]:
    """Echo what the wrapper fills in."""
    return {"id": experiment_id, "who": principal.id, "path": request.path, "now": now}


def failing(error: Exception, **declared: object) -> Endpoint:
    """Return an endpoint that fails with an error."""

    @endpoint(scope="anyone", cache="max-age=60", **declared)  # type: ignore[arg-type]
    def handler() -> None:
        raise error

    return handler


def answering(reply: object, **declared: object) -> Endpoint:
    """Return an endpoint that answers so."""

    @endpoint(scope="anyone", **declared)  # type: ignore[arg-type]
    def handler() -> object:
        return reply

    return handler


def as_ofrep(problem: Problem, request: Request, error: Exception) -> Reply:
    """Render an error in another shape."""
    known = isinstance(error, ExperimentationError) and not isinstance(error, RetryLaterError)
    body = {"key": request.path_parameters.get("key"), "errorCode": "GENERAL" if known else "FAULT"}
    return Reply(body, status=400 if problem.status == 422 else None)
