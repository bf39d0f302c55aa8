"""What the document says of each operation beyond what its endpoint declares to run."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from experimentation.web.endpoint import Endpoint
from experimentation.web.reply import JSON, Reply
from experimentation.web.schemas.accounts import AccountAnswer
from experimentation.web.schemas.api_keys import ApiKeyCreated
from experimentation.web.schemas.auth import TokenAnswer
from experimentation.web.schemas.dead_letters import DeadLettersReport, ReplayReport
from experimentation.web.schemas.ofrep import EvaluationAnswer, EvaluationsAnswer
from experimentation.web.schemas.personal_data import PersonalData
from experimentation.web.schemas.stored_events import EventsPage, EventTypesPage, RecentEvents
from functions.results.export import KINDS
from reference.schemas.assignments import AssignmentFound, AssignmentOut, AssignmentsOut
from reference.schemas.experiments import ExperimentAnswer, ExperimentPage, HistoryPage, LayersPage
from reference.schemas.results import HeadlinesAnswer, ResultsAnswer


class Documented(NamedTuple):
    """What an operation answers.

    `response` is the model of the answer (None: the endpoint's return annotation), `also` its other good
    statuses, `problems` the errors that do not follow from its parameters (404, 409, 412), `media` the
    media types of the answer, `headers` what its own headers say.
    """

    response: Any = None
    also: tuple[int, ...] = ()
    problems: tuple[int, ...] = ()
    media: tuple[str, ...] = (JSON,)
    headers: Mapping[str, str] = MappingProxyType({})

    def model(self, endpoint: Endpoint) -> Any:
        """Return the model of the answer; None for one without."""
        returned = endpoint.function.__annotations__.get("return")
        return self.response or (returned if returned not in {Reply, None} else None)


DOCUMENTED: Mapping[str, Documented] = {
    "accounts.create": Documented(AccountAnswer, problems=(409,)),
    "accounts.delete": Documented(problems=(404, 409)),
    "accounts.update": Documented(problems=(404, 409)),
    "api_keys.create": Documented(ApiKeyCreated),
    "api_keys.delete": Documented(problems=(404,)),
    "assignments.assign": Documented(AssignmentOut, also=(201,), problems=(404,)),
    "assignments.assign_all": Documented(AssignmentsOut, problems=(404,)),
    "assignments.import_assignments": Documented(problems=(404, 409)),
    "assignments.list": Documented(AssignmentsOut),
    "assignments.read": Documented(AssignmentFound, problems=(404,)),
    "auth.oidc_callback": Documented(
        problems=(400, 403, 404, 422),
        headers={
            "Location": "The console, or its sign-in page with the reason why nobody is signed in.",
            "Set-Cookie": "The tokens of somebody who is signed in.",
        },
    ),
    "auth.oidc_start": Documented(
        problems=(400, 403, 404, 422),
        headers={
            "Location": "The OpenID provider, or the sign-in page when it does not answer.",
            "Set-Cookie": "What the callback needs, for ten minutes.",
        },
    ),
    "auth.password": Documented(
        problems=(429,),
        headers={"Set-Cookie": "Takes the cookies away: the new password opens the next session."},
    ),
    "auth.refresh": Documented(
        TokenAnswer,
        problems=(401, 403),
        headers={"Set-Cookie": "The tokens, where a cookie held the one that was exchanged."},
    ),
    "auth.revoke": Documented(
        problems=(401, 403), headers={"Set-Cookie": "Takes the cookies away, where they held the tokens."}
    ),
    "auth.sessions_end": Documented(problems=(404,)),
    "auth.token": Documented(
        TokenAnswer,
        problems=(401, 403, 429),
        headers={"Set-Cookie": "The tokens, and what tells the device again, with transport=cookie."},
    ),
    "events.dead_letters": Documented(DeadLettersReport),
    "events.list": Documented(EventsPage),
    "events.recent": Documented(RecentEvents, problems=(404,)),
    "events.replay": Documented(ReplayReport),
    "events.types_list": Documented(EventTypesPage),
    "experiments.change_status": Documented(ExperimentAnswer, problems=(404, 409, 412)),
    "experiments.create": Documented(ExperimentAnswer, problems=(404, 409)),
    "experiments.delete": Documented(problems=(404, 409, 412)),
    "experiments.history": Documented(HistoryPage, problems=(404,)),
    "experiments.list": Documented(ExperimentPage, also=(304,)),
    "experiments.read": Documented(ExperimentAnswer, also=(304,), problems=(404,)),
    "experiments.update": Documented(ExperimentAnswer, problems=(404, 409, 412)),
    "layers.list": Documented(LayersPage),
    "ofrep.evaluate": Documented(EvaluationAnswer, problems=(404,)),
    "ofrep.evaluate_all": Documented(EvaluationsAnswer, also=(304,)),
    "results.export": Documented(
        problems=(404, 409),
        media=tuple(KINDS.values()),
        headers={
            "Content-Disposition": "The name of the file.",
            "X-Complete-From": "With rows=events: the time from which on no event is missing.",
            "X-Next-Cursor": "The cursor of the next page; not there on the last.",
            "Link": "The address of the next page (rel=next); not there on the last.",
        },
    ),
    "results.start_export": Documented(problems=(404, 409)),
    "results.list": Documented(HeadlinesAnswer, also=(304,)),
    "results.read": Documented(ResultsAnswer, also=(304,), problems=(404,)),
    "users.read": Documented(PersonalData),
    "sample_size.read": Documented(problems=(403, 404)),
}


def documented(name: str) -> Documented:
    """Return what is documented of a function such as `experiments.create`, beyond its endpoint."""
    return DOCUMENTED.get(name, Documented())
