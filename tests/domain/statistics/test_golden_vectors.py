"""Every golden case of tests/vectors/statistics, and the runner that checks them."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.vectors import run_statistics

VECTORS = Path(__file__).resolve().parents[2] / "vectors" / "statistics"
CASES = [
    case for file in sorted(VECTORS.glob("*.json")) for case in json.loads(file.read_text("utf-8"))["cases"]
]


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_every_expected_field_agrees(case: dict[str, Any]) -> None:
    assert run_statistics.failures(case) == []


def test_every_method_of_the_runner_except_norm_sf_has_a_case() -> None:
    assert set(run_statistics.METHODS) - {case["method"] for case in CASES} == {"norm_sf"}


def test_an_unknown_method_fails_instead_of_being_skipped() -> None:
    case = {
        "id": "x",
        "method": "astrology",
        "input": {},
        "expected": {"value": 1},
        "rel_tol": 0,
        "abs_tol": 0,
    }

    assert run_statistics.failures(case) == ["unknown method astrology"]


@pytest.mark.parametrize(
    ("expected", "found"),
    [
        ({"value": 0.0250001}, ["value: 0.025, expected 0.0250001"]),
        ({"value": None}, ["value: 0.025, expected None"]),
        ({"median": 1}, ["unknown field median"]),
        ({}, ["the case expects nothing"]),
    ],
)
def test_a_wrong_expectation_is_a_failure(expected: dict[str, Any], found: list[str]) -> None:
    case = {"id": "x", "method": "norm_sf", "input": {"args": [1.9599639845400545]}, "expected": expected}

    assert [
        line.replace("0.024999999999999998", "0.025")
        for line in run_statistics.failures({**case, "rel_tol": 1e-9, "abs_tol": 0.0})
    ] == found


def test_the_command_counts_and_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = {
        "id": "good", "method": "norm_isf", "input": {"args": [0.5]}, "expected": {"value": 0.0},
        "rel_tol": 0, "abs_tol": 0,
    }  # fmt: skip
    file = tmp_path / "cases.json"
    file.write_text(json.dumps({"cases": [good, {**good, "id": "bad", "expected": {"value": 1.0}}]}))

    code = run_statistics.run([str(file)])

    assert code == 1
    assert capsys.readouterr().out == "cases.json bad: value: 0.0, expected 1.0\n1 passed, 1 failed\n"
