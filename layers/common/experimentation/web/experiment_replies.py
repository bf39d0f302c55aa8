"""How endpoints answer with an experiment: its document, its entity tag, and who is named as its author."""

from experimentation.domain.document import document
from experimentation.domain.experiment import Experiment
from experimentation.web.conditions import etag, require_match, tagged
from experimentation.web.principals import Principal
from experimentation.web.reply import Reply
from experimentation.web.request import Request

CACHED = "max-age=60"


def author(principal: Principal) -> str:
    """Return how records name the caller: a username, or `key:` and an API key's id."""
    return principal.id if principal.kind == "person" else f"{principal.kind}:{principal.id}"


def read_reply(request: Request, experiment: Experiment) -> Reply:
    """Return the experiment, or 304 when the caller has this version."""
    return tagged(request, document(experiment), _tag(experiment))


def written_reply(experiment: Experiment, status: int = 200, location: str | None = None) -> Reply:
    """Return the experiment after a write, with the tag that the next write may name."""
    headers = {"ETag": _tag(experiment)} | ({"Location": location} if location else {})
    return Reply(document(experiment), status, headers)


def require_version(request: Request, experiment: Experiment) -> Experiment:
    """Return the experiment; PreconditionFailedError when the caller's If-Match names another version."""
    require_match(request, _tag(experiment))
    return experiment


def _tag(experiment: Experiment) -> str:
    """Return the tag of a version; a draft created again under the same id has others."""
    return etag(f"{experiment.version}-{experiment.created_at:x}")
