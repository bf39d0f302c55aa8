"""Create, start, assign, send and read, with a client that openapi-python-client made."""

import sys

from client.api.assignments import assignments_assign
from client.api.events import events_record_batch
from client.api.experiments import experiments_change_status, experiments_create, experiments_read
from client.api.results import results_read
from client.client import AuthenticatedClient
from client.models import AssignmentRequest, EventBatch, ExperimentCreate, StatusChange

base_url, token, experiment = sys.argv[1:]
api = AuthenticatedClient(base_url, token, timeout=60)
definition = {
    "id": experiment,
    "name": "Generated client",
    "variants": [{"key": "control", "weight": 50}, {"key": "treatment", "weight": 50}],
    "metrics": [{"key": "bought", "event_type": "purchase", "role": "primary"}],
}
draft = experiments_create.sync(client=api, body=ExperimentCreate.from_dict(definition))
experiments_change_status.sync(experiment, client=api, body=StatusChange.from_dict({"status": "running"}))
assigned = assignments_assign.sync(experiment, client=api, body=AssignmentRequest(user_id="u1"))
batch = EventBatch.from_dict({"events": [{"user_id": "u1", "type": "purchase"}]})
accepted = events_record_batch.sync(client=api, body=batch)
results = results_read.sync(experiment, client=api)
refused = experiments_read.sync("no-such", client=api)
print(draft.version, results.status, assigned.enrolled, accepted.accepted, refused.status)
