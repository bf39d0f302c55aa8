"""Failed logins: whoever fails waits, and nobody else."""

import pytest

from experimentation.domain.errors import TooManyRequestsError
from experimentation.storage.access import throttles
from experimentation.storage.access.throttles import Attempt

NOW = 1_795_330_800_000
HERE = "203.0.113.7"
pytestmark = pytest.mark.usefixtures("aws")


def wait(name: str = "grace", address: str = HERE, now: int = NOW, device: str | None = None) -> int:
    """Charge an attempt and return how many seconds it must wait."""
    try:
        throttles.charge(Attempt(name, address, device), now)
    except TooManyRequestsError as error:
        return error.retry_after_seconds
    return 0


def attacked() -> None:
    """Fail so often for grace, each time from another address, that it is above its ceiling."""
    for number in range(throttles.NAME_CEILING):
        assert wait(address=f"198.51.100.{number}") == 0


def test_delay_doubles_with_each_failure_after_the_fifth() -> None:
    waits, now = [], NOW

    for _ in range(15):
        seconds = wait(now=now)
        waits.append(seconds)
        now += seconds * 1000

    assert waits == [0, 0, 0, 0, 0, 1, 0, 2, 0, 4, 0, 8, 0, 16, 0]


def test_attempt_while_one_must_wait_makes_it_no_longer() -> None:
    for _ in range(5):
        wait()

    assert {wait() for _ in range(20)} == {1}


def test_failures_elsewhere_do_not_delay_an_address_that_has_none() -> None:
    attacked()

    assert wait() == 0


def test_above_the_ceiling_an_address_waits_a_minute_for_its_own_first_failure() -> None:
    attacked()
    assert wait() == 0

    waits = [wait(), wait(now=NOW + 59_999), wait(now=NOW + 60_000), wait(now=NOW + 60_001)]

    assert waits == [60, 1, 0, 120]


def test_ceiling_is_of_one_name_and_one_quarter_of_an_hour() -> None:
    attacked()
    later = NOW + throttles.FORGOTTEN_AFTER_MS

    assert [wait("ada"), wait("ada"), wait(now=later), wait(now=later)] == [0] * 4


def test_known_device_has_a_count_of_its_own() -> None:
    for _ in range(5):
        wait()
    assert wait() == 1

    waits = [wait(device="mine") for _ in range(6)]

    assert waits == [0, 0, 0, 0, 0, 1]
    assert wait("ada", device="mine") == 0


def test_networks_of_ipv6_are_counted_as_one_address() -> None:
    for number in range(5):
        wait(f"name{number}", f"2001:db8:1:2::{number}")

    assert wait("grace", "2001:db8:1:2:ffff::1") == 1
    assert wait("grace", "2001:db8:1:3::1") == 0


def test_delay_never_exceeds_a_minute() -> None:
    assert max(throttles.delay_ms(failures) for failures in range(10_000)) == 60_000


def test_failures_are_forgotten_after_a_quarter_of_an_hour() -> None:
    for _ in range(5):
        wait()

    assert wait(now=NOW + throttles.FORGOTTEN_AFTER_MS) == 0
    assert wait(now=NOW + throttles.FORGOTTEN_AFTER_MS) == 0


def test_success_forgets_the_name_here_and_gives_the_address_its_charge_back() -> None:
    for _ in range(4):
        wait()
    assert wait() == 0
    throttles.give_back(Attempt("grace", HERE), NOW)

    assert wait("other") == 0
    assert wait("grace", "203.0.113.8") == 0
    assert wait("third") == 1


def test_success_of_ones_own_does_not_free_an_address_that_guesses() -> None:
    for number in range(4):
        wait(f"victim{number}")
    assert wait("mallory") == 0
    throttles.give_back(Attempt("mallory", HERE), NOW)

    assert [wait("victim5"), wait("victim6")] == [0, 1]


def test_success_elsewhere_does_not_forget_an_attackers_failures() -> None:
    for _ in range(5):
        wait(address="198.51.100.1")
    assert wait() == 0
    throttles.give_back(Attempt("grace", HERE), NOW)

    assert wait(address="198.51.100.1") == 1


def test_giving_back_what_was_never_charged_is_harmless() -> None:
    throttles.give_back(Attempt("grace", HERE), NOW)

    assert wait() == 0


@pytest.mark.parametrize("name", ["", "\ud800", "x" * 10_000, "a#b", "é"])
def test_any_name_and_address_has_a_count(name: str) -> None:
    assert wait(name, name) == 0
