"""Replays a trial into the table: the ledger counts every user, and the sums are stored as sealed rollups.

It is what import and worker do, without their transactions, which would take minutes here; that these count
the same is what the tests of the counting protocol and the end-to-end replay prove.
"""

from collections import defaultdict
from itertools import batched
from typing import Any

from experimentation import settings
from experimentation.domain.counting.counters import (
    Adds,
    add_all,
    assignment_adds,
    enrolment_adds,
    labels,
)
from experimentation.domain.counting.event import Event
from experimentation.domain.counting.ledger import Head, enrol_at
from experimentation.domain.counting.recording import Ledger, record
from experimentation.domain.experiment import Experiment
from experimentation.storage import experiments, rollups
from experimentation.storage.aws import client
from experimentation.storage.rollups import SEALED, Cell
from functions.results import read
from tests.factory import Context, document, event
from tests.functions.experiment_calls import call
from tools.demo.trial import Happened, Trial


def replay(trial: Trial, headers: dict[str, str], now: int) -> Experiment:
    """Make the experiment, start it and store what the trial counts to."""
    name = str(trial.definition["id"])
    answer = call("create", headers, trial.definition, name)
    assert answer["statusCode"] == 201, answer
    answer = call("change_status", headers, {"status": "running"}, name)
    assert answer["statusCode"] == 200, answer
    experiment = experiments.read(name, consistent=True)
    enrolments, counters = counted(trial, experiment)
    _store(rollups.enrolment_partition(experiment, SEALED), enrolments, now)
    _store(rollups.partition(experiment, SEALED), counters, now)
    return experiment


def counted(trial: Trial, experiment: Experiment) -> tuple[Adds, Adds]:
    """Return the sums of the enrolment counters and of the others."""
    enrolments: Adds = {}
    counters: Adds = {}
    before, after = _by_user(trial.before), _by_user(trial.events)
    known = {experiment.id: experiment}
    for user_id, variant, at, context in trial.assignments:
        ledger = Ledger(Head(), {})
        if user_id in before:
            ledger, adds = record(ledger, known, before[user_id], 0)
            add_all(counters, adds)
        marks = labels(experiment.segments, context)
        head = enrol_at(ledger.head, at, experiment.id, variant, marks)
        boundary = head.assignment(experiment.id)
        assert boundary is not None
        add_all(enrolments, enrolment_adds(experiment, variant, marks, at))
        add_all(counters, assignment_adds(experiment, boundary, head.ledgers))
        if user_id in after:
            _, adds = record(ledger._replace(head=head), known, after[user_id], 0)
            add_all(counters, adds)
    return enrolments, counters


def results(headers: dict[str, str], experiment_id: str, **query: object) -> dict[str, Any]:
    """Return what the endpoint answers."""
    asked = event(
        "GET",
        f"/experiments/{experiment_id}/results",
        query=query,
        headers=headers,
        path_parameters={"experiment_id": experiment_id},
    )
    answer = read.handler(asked, Context())
    assert answer["statusCode"] == 200, answer
    found: dict[str, Any] = document(answer)
    return found


def _by_user(happened: list[Happened]) -> dict[str, list[Event]]:
    found = defaultdict(list)
    for each in happened:
        found[each.user_id].append(Event(each.user_id, "", each.type, each.at, each.at, each.value))
    return found


def _store(partition: str, adds: Adds, now: int) -> None:
    """Put the items one batch after another: a transaction in moto copies the whole table."""
    puts = [
        rollups.put_sealed(partition, None, Cell(key, each, 1, now))["Put"] for (_, key), each in adds.items()
    ]
    for some in batched(puts, 25, strict=False):
        requests = [{"PutRequest": {"Item": each["Item"]}} for each in some]
        client.dynamodb().batch_write_item(RequestItems={settings.data_table(): requests})
