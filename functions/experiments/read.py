"""GET /experiments/{experiment_id} - read an experiment."""

from experimentation.storage import experiments
from experimentation.web.endpoint import endpoint
from experimentation.web.experiment_replies import CACHED, read_reply
from experimentation.web.reply import Reply
from experimentation.web.request import Request
from experimentation.web.schemas.types import ExperimentId


@endpoint(scope="experiments:read", cache=CACHED)
def handler(experiment_id: ExperimentId, request: Request) -> Reply:
    """Return the experiment with its entity tag."""
    return read_reply(request, experiments.read(experiment_id, consistent=True))
