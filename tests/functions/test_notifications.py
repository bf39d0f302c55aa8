"""GET /notifications, and the worker that tells what it lists."""

import json
import re
from typing import Any

import pytest
import yaml

from experimentation.domain.errors import UnavailableError
from experimentation.domain.experiment import Schedule, Status
from experimentation.storage import bus, experiments, outbox, rollups
from experimentation.storage.aws import client
from experimentation.storage.aws.transactions import commit
from experimentation.usecases.telling import tell
from functions.notifications.list import handler
from functions.workers import tend_experiments
from local.paths import ROOT, TEMPLATE
from local.template import Loader
from tests.conftest import Headers, now
from tests.experiments import experiment
from tests.factory import Context
from tests.functions import callers
from tests.functions.experiment_calls import call, created
from tests.functions.policies import recorded, refusals


def listed(headers: Headers, **query: object) -> callers.Answer:
    return callers.call(handler, "GET", "/notifications", query=query, headers=headers)


def tended() -> list[str]:
    """Run the worker as the schedule does, within its policies; return the sentences that it told."""
    with recorded() as calls:
        done = tend_experiments.handler({}, Context())
    assert refusals("workers.tend_experiments.handler", calls) == []
    told: list[str] = done["told"]
    return told


def lived(headers: Headers) -> None:
    """Let an experiment start, pause, go on, grow and ship."""
    created(headers, traffic_allocation=10)
    for body in ({"status": "running"}, {"status": "paused"}, {"status": "running"}):
        call("change_status", headers, body)
    call("update", headers, {"traffic_allocation": 100, "name": "Green button"})
    call("change_status", headers, {"status": "completed", "ship": "treatment"})
    call("update", headers, {"ship": None})


SENTENCES = [
    "Checkout button has started with 10% of users, by ursula.",
    "Checkout button is paused, by ursula.",
    "Checkout button runs again, by ursula.",
    "Green button takes 100% of users instead of 10%, by ursula.",
    "Green button is completed, by ursula.",
    "Green button ships treatment to everybody, by ursula.",
    "Green button ships nothing any more, by ursula.",
]


def test_what_happened_is_listed_newest_first_in_pages(as_user: Headers) -> None:
    lived(as_user)

    found: list[Any] = []
    query: dict[str, object] = {"limit": 3}
    while True:
        page = listed(as_user, **query).json
        found += page["notifications"]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]

    assert sorted(each["sentence"] for each in found) == sorted(SENTENCES)
    assert found[-1] == found[-1] | {"kind": "started", "actor": "ursula", "figures": {}}
    assert len({each["id"] for each in found}) == len(SENTENCES)
    assert [each["at"] for each in found] == sorted((each["at"] for each in found), reverse=True)


def test_the_worker_tells_each_fact_once(as_user: Headers) -> None:
    lived(as_user)

    first, second = tended(), tended()

    assert sorted(first) == sorted(SENTENCES)
    assert second == []
    assert len(listed(as_user).json["notifications"]) == len(SENTENCES)


def test_what_the_bus_refuses_waits_for_the_next_run(
    as_user: Headers, monkeypatch: pytest.MonkeyPatch
) -> None:
    lived(as_user)
    put = client.events().put_events

    def refusing(**request: Any) -> Any:
        answer = put(**request)
        return answer | {"Entries": [{"ErrorCode": "ThrottlingException"}, *answer["Entries"][1:]]}

    with monkeypatch.context() as patch:
        patch.setattr(client.events(), "put_events", refusing)
        with pytest.raises(UnavailableError):
            tell(lambda: True)
    waiting = [fact.sentence for fact in outbox.pending(10)]

    assert waiting == SENTENCES[:1]
    assert [fact.sentence for fact in tell(lambda: True)] == waiting


def test_whoever_dies_between_sending_and_noting_it_sends_again_under_the_same_id(
    as_user: Headers, monkeypatch: pytest.MonkeyPatch
) -> None:
    created(as_user, status="running")
    sent: list[str] = []
    put = bus.put
    monkeypatch.setattr(bus, "put", lambda facts: sent.extend(fact.id for fact in facts) or put(facts))

    with monkeypatch.context() as patch:
        patch.setattr(outbox, "sent", lambda _: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            tell(lambda: True)
    tell(lambda: True)

    assert len(sent) == 2
    assert len(set(sent)) == 1


def templates() -> list[str]:
    """The mail's template, and the webhook's of docs/rollouts.md with the quotes that EventBridge adds."""
    target = yaml.load(TEMPLATE.read_text(), Loader=Loader)["Resources"]["NotifyEmailRule"]["Properties"]
    mail: str = target["Targets"][0]["InputTransformer"]["InputTemplate"]
    webhook = re.search(r"InputTemplate: '(.+)'", (ROOT / "docs" / "rollouts.md").read_text())
    assert webhook
    return [mail, webhook[1].replace("<sentence>", '"<sentence>"')]


def test_a_name_with_quotes_and_backslashes_is_told_through_templates_that_escape_nothing(
    as_user: Headers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """EventBridge puts what it finds into a template as it is, and drops what is then no JSON."""
    created(as_user, status="running", name='The "big"\\button')
    entries: list[Any] = []
    put = client.events().put_events
    monkeypatch.setattr(
        client.events(), "put_events", lambda **request: entries.extend(request["Entries"]) or put(**request)
    )

    tended()

    (detail,) = (json.loads(each["Detail"]) for each in entries)
    for template in templates():
        filled = template.replace("<sentence>", detail["sentence"]).replace("<id>", detail["experiment_id"])
        assert "The 'big'/button has started" in str(json.loads(filled))
    assert detail["name"] == 'The "big"\\button'
    assert listed(as_user).json["notifications"][0]["sentence"].startswith('The "big"\\button has started')


def test_nothing_is_sent_when_the_time_is_over(as_user: Headers) -> None:
    created(as_user, status="running")

    assert tell(lambda: False) == []
    assert len(outbox.pending(10)) == 1


def test_one_run_starts_what_is_due_pauses_what_harms_and_tells_both(as_user: Headers) -> None:
    crashes = {"key": "crashes", "event_type": "crash", "direction": "decrease", "role": "guardrail"}
    created(as_user, status="running", metrics=[crashes], guard={"harm": "pause"})
    harming = experiments.read("checkout-button")
    for variant, crashed in (("control", 5), ("treatment", 120)):
        users = rollups.enrolment_partition(harming, 0)
        counters = {"n": crashed, "u": crashed, "s": crashed, "q0": crashed, "c0": crashed}
        commit([rollups.add(users, f"*#0#{variant}", {"n": 2_000}, now())])
        commit([rollups.add(rollups.partition(harming, 0), f"*#crash#0#{variant}", counters, now())])
    plan = Schedule(start_at=now() - 1_000)
    experiments.create(experiment(id="due", name="Due", salt="due", schedule=plan), "alice")

    sentences = tended()

    assert "Due has started with 100% of users, by the schedule." in sentences
    assert any(
        each.startswith("Checkout button is paused, by the guard: crashes is worse") for each in sentences
    )
    assert experiments.read("checkout-button").status is Status.PAUSED
    assert experiments.read("due").status is Status.RUNNING
    assert tended() == []


def test_a_refused_change_tells_nothing(as_user: Headers) -> None:
    created(as_user, status="running")
    call("change_status", as_user, {"status": "completed", "ship": "other"})
    call("change_status", as_user, {"status": "completed"}, if_match='"1"')

    assert len(listed(as_user).json["notifications"]) == 1


@pytest.mark.parametrize("broken", ["keep_schedule", "take_due_look"])
def test_the_guard_looks_at_what_cannot_be_tended(
    as_user: Headers, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    def fails(*_: object) -> None:
        raise ArithmeticError

    guarded: list[str] = []
    created(as_user, status="running")
    monkeypatch.setattr(tend_experiments, broken, fails)
    monkeypatch.setattr(tend_experiments, "guard", lambda each, _: guarded.append(each.id))

    with pytest.raises(ArithmeticError):
        tend_experiments.handler({}, Context())

    assert len(guarded) == 1
