"""GET /sample-size - users and days that an effect takes, or the effect that some users can show."""

from experimentation.domain.experiment import Experiment
from experimentation.storage import experiments
from experimentation.web.endpoint import endpoint
from experimentation.web.principals import Principal, authorize
from experimentation.web.schemas.sample_size import SampleSizeQuery
from experimentation.web.schemas.sample_size_answers import SampleSizeAnswer


@endpoint(scope="token", cache="max-age=60")
def handler(query: SampleSizeQuery, principal: Principal) -> SampleSizeAnswer:
    """Answer for the effect, for the users, or for both."""
    return SampleSizeAnswer.of(query.calculation(_experiment(query, principal)))


def _experiment(query: SampleSizeQuery, principal: Principal) -> Experiment | None:
    if query.experiment_id is None:
        return None
    authorize(principal, "experiments:read")
    return experiments.read(query.experiment_id, consistent=False)
