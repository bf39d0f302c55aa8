"""Assignment items: one per experiment and user, in one of 64 partitions."""

from zlib import crc32

import pytest

from experimentation.domain.assignment import Assignment
from experimentation.storage import assignments
from experimentation.storage.aws.transactions import CancelledError, commit

KEPT = Assignment("checkout-button", "ü#/1", "control", 17, {"country": "DE", "age": 4, "new": True})

pytestmark = pytest.mark.usefixtures("aws")


@pytest.mark.parametrize("imported", [False, True])
def test_an_assignment_is_read_as_it_was_written(imported):
    kept = KEPT._replace(imported=imported)
    commit([assignments.put(kept)])

    assert assignments.read("checkout-button", "ü#/1") == kept
    assert assignments.read("checkout-button", "u2") is None


def test_a_user_is_assigned_once_per_experiment():
    commit([assignments.put(KEPT), assignments.put(KEPT._replace(experiment_id="other"))])

    with pytest.raises(CancelledError):
        commit([assignments.put(KEPT._replace(variant="treatment"))])

    assert assignments.read("checkout-button", "ü#/1") == KEPT


def test_pages_go_on_after_the_last_user():
    users = [name for name in (f"u{n}" for n in range(500)) if crc32(name.encode()) % 64 == 7][:3]
    commit([assignments.put(KEPT._replace(user_id=name)) for name in users])

    first = assignments.page("checkout-button", 7, 2)
    second = assignments.page("checkout-button", 7, 2, first.next_user)

    assert [each.user_id for each in (*first.assignments, *second.assignments)] == sorted(users)
    assert second.next_user is None
    assert assignments.page("checkout-button", 8, 2).assignments == []
