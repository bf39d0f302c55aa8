"""Dead letters over the wire: poison stays alone, a replay brings back the good, each event counts once."""

import os
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from experimentation.storage import archive, queues
from experimentation.storage.aws import client
from experimentation.web.queue_worker import LAST_DELIVERY
from functions.assignments import assign
from functions.events import dead_letters, record_batch, replay
from functions.events import list as list_events
from functions.experiments import change_status, create
from functions.results import read
from functions.workers import archive_events, record_events
from tests.conftest import Headers, bearer, forget
from tests.experiments import definition
from tests.factory import Context
from tests.functions.callers import Answer, call

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("emulator")]
EVENTS = 6

type Worker = Callable[[Mapping[str, Any], Any], dict[str, Any]]


@pytest.fixture
def admin(environment: None) -> Headers:
    """An administrator, and queues that hold nothing of other tests."""
    forget()
    for name in (name for name in os.environ if name.endswith("QUEUE_URL")):
        client.sqs().purge_queue(QueueUrl=os.environ[name])
    return bearer("ada", "admin")


@pytest.fixture
def experiment_id(admin: Headers) -> str:
    """A running experiment with one user in it, whose id is the experiment's."""
    name = f"x-{uuid.uuid4().hex[:12]}"
    body = definition(id=name, salt=name, overrides={})
    assert call(create.handler, "POST", "/experiments", body, headers=admin).status == 201
    path, parameters = f"/experiments/{name}", {"experiment_id": name}
    started = call(
        change_status.handler,
        "POST",
        f"{path}/status",
        {"status": "running"},
        headers=admin,
        path_parameters=parameters,
    )
    assert started.status == 200
    assigned = call(
        assign.handler,
        "POST",
        f"{path}/assignments",
        {"user_id": name},
        headers=admin,
        path_parameters=parameters,
    )
    assert assigned.status == 201
    return name


def send(admin: Headers, user_id: str, count: int = EVENTS) -> list[str]:
    """Send purchases of a user, each in a message of its own; return the event ids."""
    ids = []
    for _ in range(count):
        body = {"events": [{"user_id": user_id, "type": "purchase", "value": 2.5}]}
        answer = call(record_batch.handler, "POST", "/events/batch", body, headers=admin)
        assert answer.status == 202
        ids += answer.json["event_ids"]
    return ids


def deliver(queue: str, worker: Worker) -> int:
    """Do what Lambda does with a queue once: receive, invoke, delete what was done; return what was done."""
    url = os.environ[queue]
    messages = queues.receive(url, 10, hidden_seconds=0)
    records = [{"messageId": message.id, "body": message.body} for message in messages]
    if not records:
        return 0
    try:
        answer = worker({"Records": records}, Context())
    except BrokenError:
        return 0
    again = {each["itemIdentifier"] for each in answer["batchItemFailures"]}
    done = [message for message in messages if message.id not in again]
    queues.delete(url, done)
    return len(done)


class BrokenError(Exception):
    """The worker of a bad deployment."""


def broken(_event: Mapping[str, Any], _context: Any) -> dict[str, Any]:
    """Fail whatever comes."""
    raise BrokenError


def bury(queue: str, worker: Worker) -> None:
    """Deliver until what the worker cannot do is in the dead-letter queue."""
    for _ in range(LAST_DELIVERY + 1):
        deliver(queue, worker)


def replayed(admin: Headers, **body: object) -> Answer:
    return call(replay.handler, "POST", "/events/dead-letters/replay", body or None, headers=admin)


def letters(admin: Headers, name: str = "count") -> dict[str, Any]:
    answer = call(dead_letters.handler, "GET", "/events/dead-letters", headers=admin)
    return next(queue for queue in answer.json["queues"] if queue["queue"] == name)


def counted(admin: Headers, experiment_id: str) -> tuple[int, float]:
    """Return the number and the sum of the events that the results count."""
    answer = call(
        read.handler,
        "GET",
        f"/experiments/{experiment_id}/results",
        query={"format": "full"},
        headers=admin,
        path_parameters={"experiment_id": experiment_id},
    )
    assert answer.status == 200, answer.json
    variants = answer.json["metrics"][0]["variants"].values()
    return sum(each["count"] for each in variants), sum(each["sum"] for each in variants)


def stored(admin: Headers, user_id: str) -> set[str]:
    answer = call(list_events.handler, "GET", "/events", query={"user_id": user_id}, headers=admin)
    return {event["event_id"] for event in answer.json["events"]}


def test_poison_ends_in_the_dead_letter_queue_and_its_neighbours_are_counted(
    admin: Headers, experiment_id: str
) -> None:
    url = os.environ["COUNT_QUEUE_URL"]
    queues.send(url, ["not ours"])
    ids = send(admin, experiment_id)

    assert deliver("COUNT_QUEUE_URL", record_events.handler) == EVENTS  # at the first delivery
    bury("COUNT_QUEUE_URL", record_events.handler)

    assert stored(admin, experiment_id) == set(ids)
    assert counted(admin, experiment_id) == (EVENTS, 2.5 * EVENTS)
    assert queues.depth(url).total == 0
    [letter] = letters(admin)["sample"]
    assert (letter["events"], letter["types"]) == (None, [])


def test_replay_brings_back_what_a_broken_worker_gave_up(admin: Headers, experiment_id: str) -> None:
    ids = send(admin, experiment_id)
    bury("COUNT_QUEUE_URL", broken)
    assert counted(admin, experiment_id) == (0, 0)
    assert letters(admin)["waiting"] == EVENTS

    answer = replayed(admin)
    deliver("COUNT_QUEUE_URL", record_events.handler)

    assert (answer.json["moved"], answer.json["left"]) == (EVENTS, 0)
    assert stored(admin, experiment_id) == set(ids)
    assert counted(admin, experiment_id) == (EVENTS, 2.5 * EVENTS)


def test_events_that_were_counted_before_they_were_replayed_count_once(
    admin: Headers, experiment_id: str
) -> None:
    send(admin, experiment_id)
    lost: list[object] = []

    def counts_but_never_says_so(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
        lost.append(record_events.handler(event, context))
        raise BrokenError

    bury("COUNT_QUEUE_URL", counts_but_never_says_so)
    assert letters(admin)["waiting"] == EVENTS

    replayed(admin)
    deliver("COUNT_QUEUE_URL", record_events.handler)

    assert counted(admin, experiment_id) == (EVENTS, 2.5 * EVENTS)
    assert letters(admin)["waiting"] == 0


def test_replays_at_once_move_every_message_and_count_it_once(admin: Headers, experiment_id: str) -> None:
    ids = send(admin, experiment_id, 24)
    for _ in range(3):
        bury("COUNT_QUEUE_URL", broken)
    assert letters(admin)["waiting"] == 24

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: replayed(admin, queue="count"), range(4)))
    while deliver("COUNT_QUEUE_URL", record_events.handler):
        pass

    assert [answer.status for answer in answers] == [200] * 4
    assert sum(answer.json["moved"] for answer in answers) == 24
    assert stored(admin, experiment_id) == set(ids)
    assert counted(admin, experiment_id) == (24, 60.0)


def test_archive_has_its_own_dead_letters(admin: Headers, experiment_id: str) -> None:
    ids = send(admin, experiment_id)
    bury("ARCHIVE_QUEUE_URL", broken)
    deliver("COUNT_QUEUE_URL", record_events.handler)
    assert counted(admin, experiment_id) == (EVENTS, 2.5 * EVENTS)
    assert letters(admin, "archive")["sample"][0]["types"] == ["purchase"]

    replayed(admin, queue="archive")
    deliver("ARCHIVE_QUEUE_URL", archive_events.handler)

    day = call(list_events.handler, "GET", "/events", query={"user_id": experiment_id}, headers=admin).json[
        "events"
    ][0]["received_at"][:10]
    rows = [row for key in archive.keys(day) for row in archive.read(key)]
    assert {row["event_id"] for row in rows if row["user_id"] == experiment_id} == set(ids)


def test_what_the_topic_could_not_deliver_is_replayed_too(admin: Headers, experiment_id: str) -> None:
    ids = send(admin, experiment_id)
    taken = queues.receive(os.environ["COUNT_QUEUE_URL"], 10, hidden_seconds=30)
    queues.send(os.environ["COUNT_SUBSCRIPTION_DEAD_LETTER_QUEUE_URL"], [each.body for each in taken])
    queues.delete(os.environ["COUNT_QUEUE_URL"], taken)

    answer = replayed(admin, queue="count-subscription")
    deliver("COUNT_QUEUE_URL", record_events.handler)

    assert answer.json["moved"] == EVENTS
    assert stored(admin, experiment_id) == set(ids)
