"""POST /experiments - create an experiment, as a draft."""

import secrets

from experimentation.storage import experiments, prerequisites
from experimentation.web.endpoint import endpoint
from experimentation.web.experiment_replies import author, written_reply
from experimentation.web.principals import Principal
from experimentation.web.reply import Reply
from experimentation.web.schemas.experiments import CopySource, ExperimentCreate


@endpoint(scope="experiments:write", status=201)
def handler(body: ExperimentCreate, query: CopySource, principal: Principal, now: int) -> Reply:
    """Store the draft; 409 when the id is taken, even by an earlier attempt of the same call.

    With `copy` the fields that the body leaves out come from that experiment, except its draw, layer,
    schedule, owner, results and, unless asked for, overrides.
    """
    reason = ""
    if query.copied is not None:
        source = experiments.read(query.copied, consistent=True)
        body, reason = body.filled_from(source, with_overrides=query.overrides), f"copy of {source.id}"
    draft = body.experiment(author(principal), now, suffix=secrets.token_hex(4))
    experiments.create(draft, author(principal), prerequisites.checks, reason)
    return written_reply(draft, status=201, location=f"/experiments/{draft.id}")
