"""POST /experiments - create an experiment, as a draft."""

import secrets

from experimentation.storage import experiments, prerequisites
from experimentation.web.endpoint import endpoint
from experimentation.web.experiment_replies import author, written_reply
from experimentation.web.principals import Principal
from experimentation.web.reply import Reply
from experimentation.web.schemas.experiments import ExperimentCreate


@endpoint(scope="experiments:write", status=201)
def handler(body: ExperimentCreate, principal: Principal, now: int) -> Reply:
    """Store the draft; 409 when the id is taken."""
    draft = body.experiment(author(principal), now, suffix=secrets.token_hex(4))
    experiments.create(draft, author(principal), prerequisites.checks)
    return written_reply(draft, status=201, location=f"/experiments/{draft.id}")
