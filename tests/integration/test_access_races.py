"""Who gets in when many try at once: refresh, last admin, failed logins, first admin."""

import secrets
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from experimentation.domain.errors import (
    ConflictError,
    ExperimentationError,
    TooManyRequestsError,
    UnauthenticatedError,
    UnavailableError,
)
from experimentation.storage.access import accounts, sessions, throttles
from experimentation.storage.access.accounts import Account
from experimentation.storage.access.throttles import Attempt
from tests.integration.conftest import Emulated

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("emulator")]
THREADS = 32
START = 1_795_330_800_000


@pytest.fixture
def at_once() -> Iterator[Callable[..., list[object]]]:
    """Runs a function so many times at once; returns what came of each, errors included."""

    def outcome(work: Callable[[int], object], number: int) -> object:
        try:
            return work(number)
        except ExperimentationError as error:
            return error

    with ThreadPoolExecutor(THREADS) as pool:
        yield lambda times, work: list(pool.map(lambda number: outcome(work, number), range(times)))


@pytest.fixture(autouse=True)
def _no_accounts(emulator: Emulated) -> None:
    table = emulator.env["ACCOUNTS_TABLE"]
    client = emulator.client("dynamodb")
    for item in client.scan(TableName=table)["Items"]:
        client.delete_item(TableName=table, Key={"PK": item["PK"], "SK": item["SK"]})


def _account(username: str, role: str = "admin") -> Account:
    return Account(username, role, "-", secrets.token_hex(8), START, START)


def test_hundred_refreshes_of_one_token_give_one_successor(at_once: Callable[..., list[object]]) -> None:
    first = sessions.start("grace", "epoch", START)

    got = at_once(100, lambda _: sessions.rotate(first.refresh_token, START + 1).refresh_token)

    assert len(set(got)) == 1
    (successor,) = set(got)
    assert isinstance(successor, str)
    assert sessions.rotate(successor, START + 2).username == "grace"


def test_hundred_replays_of_a_used_token_end_the_family(at_once: Callable[..., list[object]]) -> None:
    first = sessions.start("grace", "epoch", START)
    second = sessions.rotate(first.refresh_token, START)
    late = START + sessions.GRACE_MS + 1

    got = at_once(100, lambda _: sessions.rotate(first.refresh_token, late))

    assert all(isinstance(outcome, UnauthenticatedError) for outcome in got)
    with pytest.raises(UnauthenticatedError):
        sessions.rotate(second.refresh_token, late)


@pytest.mark.parametrize("round_number", range(5))
def test_admins_who_remove_each_other_leave_one(
    at_once: Callable[..., list[object]], round_number: int
) -> None:
    names = [f"admin{number}" for number in range(8)]
    accounts.create_first_admin(_account(names[0]))
    for name in names[1:]:
        accounts.create(_account(name))
    acts: list[Callable[[str], object]] = [
        accounts.delete,
        lambda name: accounts.change(name, lambda person: replace(person, role="user"), now=START),
        lambda name: accounts.change(name, lambda person: replace(person, disabled=True), now=START),
    ]

    def remove(number: int) -> object:
        for _ in range(20):
            try:
                return acts[(number + round_number) % 3](names[number % 8])
            except UnavailableError:
                time.sleep(0.01 * secrets.randbelow(5))
        raise UnavailableError("still busy")

    got = at_once(16, remove)

    left = [account for account in accounts.page(100, None).accounts if account.is_active_admin]
    assert len(left) == 1
    assert any(isinstance(outcome, ConflictError) for outcome in got)


def test_first_admin_is_made_once(at_once: Callable[..., list[object]]) -> None:
    got = at_once(50, lambda number: accounts.create_first_admin(_account(f"admin{number % 5}")))

    assert got.count(True) == 1
    assert len(accounts.page(100, None).accounts) == 1


def test_hundred_guesses_at_once_are_five_guesses(at_once: Callable[..., list[object]]) -> None:
    got = at_once(100, lambda _: throttles.charge(Attempt("grace", "198.51.100.7"), START))

    assert sum(outcome is None for outcome in got) <= throttles.FREE_FAILURES
    assert sum(isinstance(outcome, TooManyRequestsError) for outcome in got) >= 95
