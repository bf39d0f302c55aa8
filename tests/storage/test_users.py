"""A user's head, ledgers and past in the table: what was written is read, and only over what was read."""

import json
from dataclasses import replace

import pytest

from experimentation.domain.counting.ledger import END, Boundary, Head
from experimentation.domain.counting.user import spill
from experimentation.domain.counting.writes import HeadWrite, LedgerWrite, PastWrite
from experimentation.storage import users
from experimentation.storage.aws import client
from experimentation.storage.aws.transactions import CancelledError, commit
from tests.wire import answering

HEAD = Head(
    last=1_795_330_800_000,
    boundaries=(Boundary(1, 5, "é", "control", ("country=DE",)), Boundary(2, 9, "é", END)),
    kmax=2,
    past_until=3,
    past_k=1,
    ledgers={"purchase": {(20_779, 1): (2, -30_000)}},
    spilled={"view": 7},
)

pytestmark = pytest.mark.usefixtures("aws")


def test_a_user_without_a_head_has_an_empty_one():
    assert users.read_head("u1", consistent=True) == Head()
    assert users.read_heads(["u1"]) == {"u1": Head()}


def test_a_head_is_read_as_it_was_written_in_the_next_version():
    commit([users.put_head(HeadWrite("u/1#", 0, HEAD)), users.put_head(HeadWrite("u2", 0, Head()))])

    assert users.read_head("u/1#", consistent=False) == replace(HEAD, version=1)
    assert users.read_heads(["u/1#", "u2"]) == {"u/1#": replace(HEAD, version=1), "u2": Head(version=1)}


@pytest.mark.parametrize("read_version", [0, 2])
def test_a_head_is_not_written_over_another_version(read_version):
    commit([users.put_head(HeadWrite("u1", 0, HEAD))])

    with pytest.raises(CancelledError) as refused:
        commit([users.put_head(HeadWrite("u1", read_version, Head()))])

    assert refused.value.failed_conditions() == [0]
    assert users.read_head("u1", consistent=True).last == HEAD.last


def test_a_ledger_stored_apart_has_a_version_of_its_own():
    cells = {(20_779, 1): (1, 10_000), (20_780, 2): (3, 0)}
    commit([users.put_ledger(LedgerWrite("u1", "view", 0, cells))])
    commit([users.put_ledger(LedgerWrite("u1", "view", 1, cells))])

    found = users.read_spilled([("u1", "view"), ("u1", "purchase"), ("u2", "view")])

    assert found == {("u1", "view"): users.Spilled(2, cells)}
    with pytest.raises(CancelledError):
        commit([users.put_ledger(LedgerWrite("u1", "view", 1, {}))])


def test_the_past_is_read_as_it_was_written():
    commit([users.put_past(PastWrite("u1", HEAD.boundaries, 3, 1))])

    user = users.read_users([users.Need("u1", HEAD, frozenset(), past=True)])["u1"]
    assert (user.ledger.past, user.is_torn()) == (HEAD.boundaries, False)


def test_more_users_than_one_call_reads_are_all_read():
    names = [f"u{number}" for number in range(205)]
    for name in names[::50]:
        commit([users.put_head(HeadWrite(name, 0, Head()))])

    heads = users.read_heads(names)

    assert list(heads) == names
    assert [name for name in names if heads[name].version] == names[::50]


def test_keys_that_were_left_unprocessed_are_read_again():
    commit([users.put_head(HeadWrite("u1", 0, HEAD)), users.put_head(HeadWrite("u2", 0, HEAD))])
    calls = []
    left = {"DataTable": {"Keys": [{"PK": {"S": "USER#u1"}, "SK": {"S": "HEAD"}}], "ConsistentRead": True}}
    body = json.dumps({"Responses": {}, "UnprocessedKeys": left}).encode()

    def first(request):
        calls.append(request)
        return len(calls) == 1

    with answering(client.dynamodb(), "BatchGetItem", body, 200, first):
        heads = users.read_heads(["u1"])

    assert heads["u1"].version == 1
    assert len(calls) == 2


def test_a_small_head_keeps_all_its_ledgers():
    assert spill(HEAD, 9) == (HEAD, {})


def test_the_largest_ledgers_leave_a_head_that_grew_too_large():
    small, large = {(1, 1): (1, 1)}, {(day, 1): (1, 10**13) for day in range(60)}
    head = Head(ledgers={"small": small, "large": large, "larger": large | {(99, 1): (1, 1)}})

    after, moved = spill(head, 9)

    assert moved == {"large": large, "larger": head.ledgers["larger"]}
    assert after.ledgers == {"small": small}
    assert after.spilled == {"large": 1, "larger": 1}


def test_ledgers_leave_the_head_only_as_far_as_the_transaction_has_room():
    cells = {(day, 1): (1, 10**13) for day in range(60)}
    head = Head(ledgers={f"t{n}": cells for n in range(9)})

    after, moved = spill(head, 4)

    assert len(moved) == 4
    assert len(after.ledgers) == 5


def test_a_ledger_of_another_version_than_the_head_says_is_of_another_moment():
    commit([users.put_head(HeadWrite("u1", 0, HEAD)), users.put_past(PastWrite("u1", (), 3, 1))])
    need = users.Need("u1", HEAD, frozenset({"view"}), past=True)
    torn = users.read_users([need])["u1"].is_torn()
    for version in range(7):
        commit([users.put_ledger(LedgerWrite("u1", "view", version, {}))])

    whole = users.read_users([need])["u1"].is_torn()

    assert (torn, whole) == (True, False)


def test_a_past_that_was_written_for_another_head_is_of_another_moment():
    commit([users.put_past(PastWrite("u1", HEAD.boundaries, 3, 0))])

    user = users.read_users([users.Need("u1", HEAD, frozenset(), past=True)])["u1"]

    assert user.is_torn()
