"""What is billed of an event and of a repeat assignment: no timing, exact write units from the emulator."""

import pytest

from benchmarks.meter import metered
from benchmarks.rig import request, running
from benchmarks.units import USERS, event_units
from functions.assignments import assign

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("emulator")]
AIM = 4.4


def test_young_event_takes_at_most_the_write_units_that_were_aimed_at() -> None:
    counts = event_units("aim")

    assert counts["transactions"] == 1
    assert counts["writes"] / USERS <= AIM


def test_events_of_one_user_share_his_head() -> None:
    apart, together = event_units("apart"), event_units("together", events_a_user=USERS)

    assert together["writes"] < apart["writes"] * 0.6


def test_repeat_assignment_reads_once_and_writes_nothing() -> None:
    running("repeat")
    asked = request("assignments/assign", {"user_id": "u1"}, experiment_id="repeat")
    assert assign.handler(asked)["statusCode"] == 201

    with metered() as counts:
        assert assign.handler(asked)["statusCode"] == 200

    assert counts["writes"] == 0
    assert counts["reads"] == 0.5
    assert counts["GetItem"] == 1
