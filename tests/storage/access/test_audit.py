"""The record of who did what to access."""

import pytest

from experimentation.domain.clock import DAY_MS
from experimentation.storage.access import audit
from experimentation.storage.access.audit import Deed, Origin
from experimentation.storage.aws.transactions import CancelledError, commit

NOW = 1_795_330_800_000
pytestmark = pytest.mark.usefixtures("aws")


def write(name: str, now: int = NOW) -> None:
    audit.write(Deed.LOGIN, Origin(name, "203.0.113.7", "tests", now), name)


def everybody(limit: int, now: int) -> list[str]:
    found: list[str] = []
    after: str | None = None
    for _ in range(100):
        page = audit.page(limit, after, now)
        assert len(page.entries) <= limit
        found += [entry.target for entry in page.entries]
        after = page.next_after
        if after is None:
            return found
    raise AssertionError("the record does not end")


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 100])
def test_pages_hold_every_entry_once_newest_first(limit: int) -> None:
    for number in range(7):
        write(f"p{number}", NOW + number * DAY_MS // 2)
    write("long ago", NOW - 100 * DAY_MS)

    found = everybody(limit, NOW + 4 * DAY_MS)

    assert found == [*(f"p{number}" for number in reversed(range(7))), "long ago"]


def test_entry_says_who_and_from_where() -> None:
    audit.write(Deed.KEY_ENDED, Origin("ada", "203.0.113.7", "x" * 900, NOW), "k1", "collector")

    (entry,) = audit.page(10, None, NOW).entries

    assert entry == (NOW, "key_ended", "ada", "k1", "collector", "203.0.113.7", "x" * 200)


def test_entry_is_never_overwritten() -> None:
    record = audit.writing(Deed.LOGIN, Origin("ada", "", "", NOW), "ada")
    commit([record])

    with pytest.raises(CancelledError):
        commit([record])
