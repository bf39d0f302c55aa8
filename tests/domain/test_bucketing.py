"""Bucketing against the golden vectors, and at the edges of its ranges."""

import json
from pathlib import Path

import pytest

from experimentation.domain import bucketing
from experimentation.domain.errors import InvalidError
from tests.vectors import run_bucketing

VECTORS = Path(__file__).parents[1] / "vectors" / "bucketing.json"


def test_every_golden_vector_passes(capsys: pytest.CaptureFixture[str]) -> None:
    cases = json.loads(VECTORS.read_text())["cases"]

    code = run_bucketing.main([str(VECTORS)])

    assert code == 0
    assert capsys.readouterr().out == f"{len(cases)} passed, 0 failed\n"


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("variant", "treatment"),
        ("u64", {"traffic": "1", "variant": "7616550117199349177"}),
        ("bucket", {"traffic": 272880, "variant": 0}),
        ("weights", [["control", 1]]),
        ("weights", None),
    ],
)
def test_the_runner_fails_a_case_that_is_wrong(
    field: str, wrong: object, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cases = json.loads(VECTORS.read_text())["cases"]
    case = next(case for case in cases if case["variant"] == "control" and case["user_id"] == "u1")
    path = tmp_path / "wrong.json"
    path.write_text(json.dumps({"cases": [case, case | {field: wrong}]}))

    code = run_bucketing.main([str(path)])

    assert code == 1
    assert capsys.readouterr().out.splitlines()[-1] == "1 passed, 1 failed"


def test_an_empty_user_id_is_refused() -> None:
    with pytest.raises(InvalidError):
        bucketing.unit_hash("salt", "traffic", "")


@pytest.mark.parametrize(
    ("draw", "expected"), [(0, 0), (2**64 - 1, 999_999), (2**63, 500_000), (2**63 - 1, 499_999)]
)
def test_the_buckets_cover_the_draws_from_end_to_end(draw: int, expected: int) -> None:
    assert bucketing.bucket(draw) == expected


@pytest.mark.parametrize(("position", "variant"), [(0, "b"), (249_999, "b"), (250_000, "c"), (999_999, "c")])
def test_a_bucket_belongs_to_the_range_that_holds_it(position: int, variant: str) -> None:
    weights = [("a", 0), ("b", 250_000), ("c", 750_000)]

    assert bucketing.variant_at(position, weights) == variant


def test_ranges_say_what_the_decision_does() -> None:
    weights = [("a", 333_333), ("b", 333_333), ("c", 333_334)]

    found = bucketing.ranges(weights)

    assert [variant.start for variant in found] == [0, 333_333, 666_666]
    assert found[-1].end == bucketing.BUCKETS
    for variant in found:
        assert bucketing.variant_at(variant.start, weights) == variant.key
        assert bucketing.variant_at(variant.end - 1, weights) == variant.key


def test_no_traffic_means_nobody() -> None:
    weights = [("a", 500_000), ("b", 500_000)]

    assert {bucketing.decide("salt", f"user-{n}", 0, weights) for n in range(1_000)} == {None}
