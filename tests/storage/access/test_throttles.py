"""Failed logins."""

import pytest

from experimentation.domain.errors import TooManyRequestsError
from experimentation.storage.access import throttles

NOW = 1_795_330_800_000
pytestmark = pytest.mark.usefixtures("aws")


def wait(name: str = "grace", address: str = "203.0.113.7", now: int = NOW) -> int:
    """Charge an attempt and return how many seconds it must wait."""
    try:
        throttles.charge(name, address, now)
    except TooManyRequestsError as error:
        return error.retry_after_seconds
    return 0


def test_delay_doubles_with_each_failure_after_the_fifth() -> None:
    waits, now = [], NOW

    for attempt in range(15):
        seconds = wait(address=f"203.0.113.{attempt}", now=now)
        waits.append(seconds)
        now += seconds * 1000

    assert waits == [0, 0, 0, 0, 0, 1, 0, 2, 0, 4, 0, 8, 0, 16, 0]


def test_attempt_while_one_must_wait_makes_it_no_longer() -> None:
    for attempt in range(5):
        wait(address=f"203.0.113.{attempt}")

    waits = [wait(address=f"198.51.100.{attempt}") for attempt in range(20)]

    assert set(waits) == {1}


def test_delay_never_exceeds_a_minute() -> None:
    assert max(throttles.delay_ms(failures) for failures in range(10_000)) == 60_000


def test_failures_are_forgotten_after_a_quarter_of_an_hour() -> None:
    for _ in range(5):
        wait()

    assert wait(now=NOW + throttles.FORGOTTEN_AFTER_MS) == 0
    assert wait(now=NOW + throttles.FORGOTTEN_AFTER_MS) == 0


def test_success_forgets_the_name_and_gives_the_address_its_charge_back() -> None:
    for _ in range(4):
        wait()
    assert wait() == 0
    throttles.give_back("grace", "203.0.113.7")

    assert wait("other") == 0
    assert wait("grace", "203.0.113.8") == 0
    assert wait("third") == 1


def test_giving_back_what_was_never_charged_is_harmless() -> None:
    throttles.give_back("grace", "203.0.113.7")

    assert wait() == 0


@pytest.mark.parametrize("name", ["", "\ud800", "x" * 10_000, "a#b", "é"])
def test_any_name_and_address_has_a_count(name: str) -> None:
    assert wait(name, name) == 0
