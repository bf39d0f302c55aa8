"""GET /events/recent: the newest events and exposures, from the archive."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from experimentation.domain.clock import DAY_MS, HOUR_MS, rfc3339
from experimentation.domain.counting.event import Event
from experimentation.domain.counting.exposure import Exposure
from experimentation.storage import archive
from experimentation.storage.aws import client
from experimentation.storage.queue_message import pack, pack_exposures
from experimentation.usecases import tailing
from experimentation.usecases.runtime import Runtime
from functions.events import recent
from functions.users import delete
from functions.workers import archive_events
from tests.conftest import Headers
from tests.events import RECEIVED, batch, exposed, made
from tests.experiments import running
from tests.factory import Context
from tests.functions.callers import Answer, call

NOON = RECEIVED + 5 * HOUR_MS


@pytest.fixture(autouse=True)
def _noon(aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is noon of the day of RECEIVED; but S3 writes its objects now, which is later."""
    for module in (recent, archive_events, delete):
        monkeypatch.setattr(module, "runtime", Runtime(clock=lambda: NOON))


def listed(headers: Headers, **query: object) -> Answer:
    return call(recent.handler, "GET", "/events/recent", query=query, headers=headers)


def archived(*lines: Event | Exposure) -> None:
    """Put the lines into one object each day."""
    events = [each for each in lines if isinstance(each, Event)]
    exposures = [each for each in lines if isinstance(each, Exposure)]
    archive_events.handler(batch([*pack(events, "r"), *pack_exposures(exposures, "r")]), Context())


def ids(answer: Answer) -> list[str]:
    return [each["event_id"] for each in answer.json["events"]]


class Lines:
    """Notes of which objects the lines are read."""

    def __init__(self, plain: Callable[..., list[Any]]) -> None:
        self.plain = plain
        self.keys: list[str] = []

    def __call__(self, key: str, *rest: object) -> list[Any]:
        self.keys.append(key)
        return self.plain(key, *rest)


def numbered(numbers: Iterable[int], received: int) -> list[Event]:
    return [made(f"e{each}", received=received + each, at=received) for each in numbers]


def test_what_was_received_last_comes_first(as_user: Headers) -> None:
    at = RECEIVED
    archived(
        made("late", received=at, at=at, properties='{"plan":"pro"}'),
        made("early", received=at - 1, at=at - 1),
    )
    archived(exposed("u2", received=at, at=at, context='{"country":"DE"}'))

    answer = listed(as_user)

    assert answer.status == 200
    assert ids(answer) == ["late", "early"]
    assert answer.json["events"][0] == {
        "event_id": "late",
        "user_id": "u1",
        "type": "purchase",
        "value": 1,
        "timestamp": rfc3339(at),
        "received_at": rfc3339(at),
        "properties": {"plan": "pro"},
    }
    assert answer.json["exposures"] == [
        {
            "experiment_id": "e",
            "user_id": "u2",
            "variant": "control",
            "timestamp": rfc3339(at),
            "received_at": rfc3339(at),
            "context": {"country": "DE"},
        }
    ]
    assert answer.json["sampled"] is False


def test_nothing_is_there_before_the_first_event(as_user: Headers) -> None:
    assert listed(as_user).json == {"events": [], "exposures": [], "sampled": False}


def test_yesterday_fills_up_what_today_leaves_and_older_days_are_not_read(as_user: Headers) -> None:
    for day in range(3):
        archived(*numbered([day], RECEIVED - day * DAY_MS - day))

    assert ids(listed(as_user)) == ["e0", "e1"]
    assert ids(listed(as_user, limit=1)) == ["e0"]


def test_a_batch_that_was_delivered_again_is_shown_once(as_user: Headers) -> None:
    at = RECEIVED
    archived(made("e1", received=at, at=at))
    archived(made("e1", received=at, at=at), made("e2", received=at + 1, at=at))

    assert ids(listed(as_user)) == ["e2", "e1"]


def written(monkeypatch: pytest.MonkeyPatch, times: dict[str, int]) -> dict[str, str]:
    """Let the objects be written when the test says, by the id of an event in each; return which is which."""
    plain = archive.listed
    found = {}

    def listed_so(day: str, kind: str, most: int) -> tuple[list[archive.Listed], bool]:
        objects, whole = plain(day, kind, most)
        for each in objects:
            text = b"".join(archive.lines_if_there(each.key))
            found[each.key] = next(name for name in times if f'"{name}"'.encode() in text)
        return [each._replace(written=times[found[each.key]]) for each in objects], whole

    monkeypatch.setattr(archive, "listed", listed_so)
    return found


def test_the_newest_are_found_though_they_lie_in_an_older_object(
    as_user: Headers, monkeypatch: pytest.MonkeyPatch
) -> None:
    archived(*numbered(range(6, 11), RECEIVED))
    archived(*numbered(range(1, 6), RECEIVED))
    written(monkeypatch, {"e10": RECEIVED, "e5": RECEIVED + 60_000})  # S3 drops what is below a second

    answer = listed(as_user, limit=5)

    assert ids(answer) == ["e10", "e9", "e8", "e7", "e6"]
    assert answer.json["sampled"] is False


def test_an_object_that_can_hold_nothing_newer_is_not_read(
    as_user: Headers, monkeypatch: pytest.MonkeyPatch
) -> None:
    archived(*numbered([0], RECEIVED - HOUR_MS))
    archived(*numbered([1], RECEIVED))
    names = written(monkeypatch, {"e0": RECEIVED - HOUR_MS, "e1": RECEIVED})
    monkeypatch.setattr(tailing, "_lines", read := Lines(tailing._lines))

    listed(as_user, limit=1)

    assert [names[key] for key in read.keys if key in names] == ["e1"]


@pytest.mark.parametrize(("bound", "most"), [("MOST_READ", 1), ("MOST_BYTES", 200), ("MOST_LISTED", 1)])
def test_more_than_is_looked_through_is_said_to_be_a_sample(
    bound: str, most: int, as_user: Headers, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = RECEIVED
    for number in range(3):
        archived(*numbered([number], at))
    monkeypatch.setattr(tailing, bound, most)
    page_of_one(monkeypatch)

    answer = listed(as_user)

    assert answer.json["sampled"] is True
    assert 1 <= len(ids(answer)) < 3


def page_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let S3 list one object at a time."""
    plain = client.s3().list_objects_v2
    monkeypatch.setattr(client.s3(), "list_objects_v2", lambda **query: plain(MaxKeys=1, **query))


def test_an_experiment_shows_its_exposures_and_the_types_of_its_metrics(as_user: Headers) -> None:
    at = RECEIVED
    running("e", at - DAY_MS)
    archived(made("e1", received=at, at=at), made("e2", received=at, at=at, type="other"))
    archived(exposed("u1", received=at, at=at), exposed("u2", received=at, at=at, experiment_id="another"))

    answer = listed(as_user, experiment_id="e")

    assert ids(answer) == ["e1"]
    assert [each["user_id"] for each in answer.json["exposures"]] == ["u1"]
    assert len(ids(listed(as_user))) == 2


def test_unknown_experiment_is_not_found(as_user: Headers) -> None:
    assert listed(as_user, experiment_id="none-such").status == 404


def test_who_was_erased_is_not_shown_though_the_archive_still_has_them(
    as_user: Headers, as_admin: Headers
) -> None:
    at = RECEIVED
    archived(made("e1", received=at, at=at), made("e2", received=at, at=at, user_id="other"))
    archived(exposed("u1", received=at, at=at))
    assert call(delete.handler, "DELETE", "/users", query={"user_id": "u1"}, headers=as_admin).status == 202
    after = NOON + 1
    archived(made("e3", received=after, at=after))

    answer = listed(as_user)

    assert ids(answer) == ["e3", "e2"]
    assert answer.json["exposures"] == []


def test_an_object_that_is_rewritten_meanwhile_is_passed_over(
    as_user: Headers, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = RECEIVED
    archived(made("e1", received=at, at=at))
    objects, whole = archive.listed(rfc3339(at)[:10], archive.EVENTS, 10)
    gone = objects[0]._replace(key=objects[0].key.replace("events/", "events/gone/"))
    monkeypatch.setattr(archive, "listed", lambda day, kind, most: ([gone, *objects], whole))

    assert ids(listed(as_user)) == ["e1"]


@pytest.mark.parametrize("query", [{"limit": 0}, {"limit": 51}, {"experiment_id": "NO"}, {"user_id": "u1"}])
def test_query_that_makes_no_sense_is_refused(as_user: Headers, query: dict[str, Any]) -> None:
    assert listed(as_user, **query).status == 422


def test_caller_needs_the_scope(as_key: object) -> None:
    headers = as_key(["results:read"])  # type: ignore[operator]

    assert listed(headers).status == 403
