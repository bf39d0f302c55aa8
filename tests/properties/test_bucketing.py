"""Over many users: shares are the weights, draws are independent, ramping moves nobody, salts decorrelate."""

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2

from experimentation.domain.bucketing import bucket, decide, unit_hash, variant_at

USERS = 200_000
HALVES = [("control", 500_000), ("treatment", 500_000)]
# The users and salts are fixed, so each test always has the same answer; the bound only says how unlikely a
# deviation the chosen salts may show.
LEAST_P = 1e-4


@cache
def buckets(salt: str, purpose: str) -> list[int]:
    return [bucket(unit_hash(salt, purpose, f"user-{n}")) for n in range(USERS)]


def chi_square_p(observed: Sequence[int], expected: Sequence[float]) -> float:
    statistic = sum((seen - due) ** 2 / due for seen, due in zip(observed, expected, strict=True))
    return float(chi2.sf(statistic, len(observed) - 1))


def independence_p(pairs: Iterable[tuple[object, object]]) -> float:
    table = Counter(pairs)
    rows, columns = Counter[object](), Counter[object]()
    for (row, column), n in table.items():
        rows[row] += n
        columns[column] += n
    total = table.total()
    statistic = sum(
        (table[row, column] - (due := in_row * in_column / total)) ** 2 / due
        for row, in_row in rows.items()
        for column, in_column in columns.items()
    )
    return float(chi2.sf(statistic, (len(rows) - 1) * (len(columns) - 1)))


@pytest.mark.parametrize("salt", ["checkout-button", "exp1", "pricing.v2", "0", "größe"])
@pytest.mark.parametrize(
    "weights",
    [
        HALVES,
        [("a", 333_333), ("b", 333_333), ("c", 333_334)],
        [("control", 900_000), ("treatment", 99_000), ("rare", 1_000)],
    ],
    ids=["halves", "thirds", "uneven"],
)
def test_variants_match_their_weights(salt: str, weights: list[tuple[str, int]]) -> None:
    counts = Counter(variant_at(position, weights) for position in buckets(salt, "variant"))

    observed = [counts[key] for key, _ in weights]
    p = chi_square_p(observed, [USERS * weight / 1_000_000 for _, weight in weights])

    assert counts.total() == sum(observed)
    assert p > LEAST_P


@pytest.mark.parametrize("salt", ["checkout-button", "exp1"])
def test_traffic_matches_its_allocation_and_is_independent_of_the_variant(salt: str) -> None:
    traffic = [position // 100_000 for position in buckets(salt, "traffic")]
    variant = [position // 100_000 for position in buckets(salt, "variant")]

    tenths = Counter(traffic)

    assert chi_square_p([tenths[tenth] for tenth in range(10)], [USERS / 10] * 10) > LEAST_P
    assert independence_p(zip(traffic, variant, strict=True)) > LEAST_P


def test_ramping_up_moves_nobody() -> None:
    users = [f"user-{n}" for n in range(USERS // 8)]
    stages = [100_000, 500_000, 1_000_000]

    answers = [{user: decide("ramp", user, traffic, HALVES) for user in users} for traffic in stages]

    for before, after in pairwise(answers):
        enrolled = {user: variant for user, variant in before.items() if variant is not None}
        assert enrolled.items() <= after.items()
        assert len(enrolled) < sum(variant is not None for variant in after.values())
    assert None not in answers[-1].values()


def test_the_share_of_variants_is_the_same_at_every_stage_of_a_ramp() -> None:
    draws = list(zip(buckets("exp1", "traffic"), buckets("exp1", "variant"), strict=True))

    for traffic in (10_000, 100_000, 500_000):
        counts = Counter(variant_at(position, HALVES) for place, position in draws if place < traffic)
        enrolled = counts["control"] + counts["treatment"]

        assert chi_square_p([counts["control"], counts["treatment"]], [enrolled / 2] * 2) > LEAST_P


@pytest.mark.parametrize(("one", "other"), [("exp1", "exp2"), ("exp1", "exp11"), ("a", "a "), ("x", "X")])
def test_salts_decorrelate_experiments(one: str, other: str) -> None:
    pairs = [
        (decide(one, f"user-{n}", 1_000_000, HALVES), decide(other, f"user-{n}", 1_000_000, HALVES))
        for n in range(USERS // 8)
    ]

    assert independence_p(pairs) > LEAST_P


@given(
    salt=st.text(min_size=1, max_size=128),
    user_id=st.text(min_size=1, max_size=64),
    traffic=st.integers(0, 1_000_000),
    cut=st.integers(0, 1_000_000),
)
def test_the_same_user_always_gets_the_same_answer(salt: str, user_id: str, traffic: int, cut: int) -> None:
    weights = [("a", cut), ("b", 1_000_000 - cut)]

    answers = {decide(salt, user_id, traffic, weights) for _ in range(3)}

    assert len(answers) == 1
    assert answers <= {None, "a", "b"}


@given(
    user_id=st.text(min_size=1, max_size=64), low=st.integers(0, 1_000_000), high=st.integers(0, 1_000_000)
)
def test_more_traffic_never_takes_anybody_out(user_id: str, low: int, high: int) -> None:
    low, high = sorted((low, high))

    before = decide("salt", user_id, low, HALVES)

    assert before is None or decide("salt", user_id, high, HALVES) == before
