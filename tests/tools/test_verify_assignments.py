"""tools/verify_assignments.py as people run it: a definition, a file of assignments, an exit code."""

import csv
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from experimentation.domain.bucketing import Traffic, decide, drawn_variant, takes_part
from tests.experiments import definition
from tools import verify_assignments

TOOL = Path(verify_assignments.__file__)
USERS = [f"user-{n}" for n in range(200)] + ["a,b", 'say "hi"', "größe", "用户-1"]
THIRDS = [
    {"key": "control", "weight": 33.3333},
    {"key": "b", "weight": 33.3333},
    {"key": "treatment", "weight": 33.3334},
]
WEIGHTS = [("control", 333_333), ("b", 333_333), ("treatment", 333_334)]


def right(user_id: str) -> dict[str, object]:
    variant = decide("checkout-button", user_id, 500_000, WEIGHTS)
    return {"user_id": user_id, "variant": variant, "enrolled": variant is not None}


def wrong(variant: object) -> str:
    return "treatment" if variant != "treatment" else "control"


@pytest.fixture
def experiment_file(tmp_path: Path) -> Path:
    path = tmp_path / "experiment.json"
    path.write_text(json.dumps(definition(variants=THIRDS, traffic_allocation=50, status="running")))
    return path


def as_csv(path: Path, rows: Sequence[Mapping[str, object]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def as_ndjson(path: Path, rows: Sequence[Mapping[str, object]]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def closing(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().out.splitlines()[-1]


@pytest.mark.parametrize("write", [as_csv, as_ndjson])
def test_right_assignments_all_agree(
    write: object, experiment_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path / "assignments", [right(user_id) for user_id in USERS])  # type: ignore[operator]

    code = verify_assignments.main([str(experiment_file), str(path)])

    assert code == 0
    assert closing(capsys) == f"{len(USERS)} agree, 0 differ, 0 skipped"


@pytest.mark.parametrize("write", [as_csv, as_ndjson])
def test_each_assignment_that_differs_is_printed(
    write: object, experiment_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [right(user_id) for user_id in USERS]
    for place in (3, 200):
        rows[place] |= {"variant": wrong(rows[place]["variant"]), "enrolled": True}
    path = write(tmp_path / "assignments", rows)  # type: ignore[operator]

    code = verify_assignments.main([str(experiment_file), str(path)])

    lines = capsys.readouterr().out.splitlines()
    assert code == 1
    assert len(lines) == 3
    assert '"user-3"' in lines[0]
    assert '"a,b"' in lines[1]
    assert lines[2] == f"{len(USERS) - 2} agree, 2 differ, 0 skipped"


@pytest.mark.parametrize(
    ("row", "outcome"),
    [
        ({"user_id": "qa-1", "variant": "treatment"}, "1 agree, 0 differ, 0 skipped"),
        ({"user_id": "qa-1", "variant": "treatment", "reason": "override"}, "1 agree, 0 differ, 0 skipped"),
        ({"user_id": "qa-1", "variant": "control"}, "0 agree, 1 differ, 0 skipped"),
        (right("qa-1") | {"reason": "stored"}, "1 agree, 0 differ, 0 skipped"),
        ({"user_id": "u1", "variant": None, "reason": "not_running"}, "0 agree, 0 differ, 1 skipped"),
        (
            {"user_id": "u1", "variant": None, "reason": "too_many_experiments"},
            "0 agree, 0 differ, 1 skipped",
        ),
        ({"user_id": "u1", "variant": "b", "imported": True}, "0 agree, 0 differ, 1 skipped"),
        ({"user_id": "u1", "variant": "b", "experiment_id": "other"}, "0 agree, 0 differ, 1 skipped"),
        (right("u1") | {"experiment_id": "checkout-button"}, "1 agree, 0 differ, 0 skipped"),
    ],
)
@pytest.mark.parametrize("write", [as_csv, as_ndjson])
def test_overrides_are_honoured_and_what_no_hash_decides_is_skipped(
    write: object,
    row: dict[str, object],
    outcome: str,
    experiment_file: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = write(tmp_path / "assignments", [row])  # type: ignore[operator]

    verify_assignments.main([str(experiment_file), str(path)])

    assert closing(capsys) == outcome


@pytest.mark.parametrize(
    "content",
    [
        "nonsense\n1\n",
        "",
        "user_id,variant\n,control\n",
        '{"user_id": "u1"}\n',
        "{\n",
        b"user_id,variant\n\xff,x\n",
    ],
)
def test_a_file_that_cannot_be_read_is_no_success(
    content: str | bytes, experiment_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "assignments"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())

    code = verify_assignments.main([str(experiment_file), str(path)])

    assert code == 2
    assert "cannot verify" in capsys.readouterr().err


@pytest.mark.parametrize(
    "changes",
    [{"variants": THIRDS[:2]}, {"variants": [{"key": "a", "weight": 33.33333}]}, {"variants": None}],
)
def test_a_definition_that_makes_no_sense_is_no_success(changes: dict[str, object], tmp_path: Path) -> None:
    path = tmp_path / "experiment.json"
    path.write_text(json.dumps(definition(**changes)))

    code = verify_assignments.main([str(path), str(as_csv(tmp_path / "assignments", [right("u1")]))])

    assert code == 2


def test_it_runs_alone_without_any_package(experiment_file: Path, tmp_path: Path) -> None:
    path = as_csv(tmp_path / "assignments.csv", [right(user_id) for user_id in USERS])

    done = subprocess.run(
        [sys.executable, "-I", "-S", str(TOOL), str(experiment_file), str(path)],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )

    assert done.stdout == f"{len(USERS)} agree, 0 differ, 0 skipped\n"


def test_rows_that_the_audience_decided_are_skipped(
    experiment_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    definition_of = json.loads(experiment_file.read_text())
    experiment_file.write_text(json.dumps(definition_of | {"audience": {"country": "DE"}}))
    inside = next(right(user) for user in USERS if right(user)["enrolled"])
    nobody = {"variant": None, "enrolled": False}
    rows = [inside, inside | nobody, inside | nobody | {"reason": "not_in_audience"}]
    wrong_one = inside | nobody | {"reason": "not_in_traffic"}

    path = as_ndjson(tmp_path / "rows.ndjson", [*rows, wrong_one])

    assert verify_assignments.main([str(experiment_file), str(path)]) == 1
    assert closing(capsys) == "1 agree, 1 differ, 2 skipped"


def test_layer_takes_the_place_of_the_traffic(
    experiment_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    layer = {"key": "checkout", "from": 12.5, "to": 62.5}
    experiment_file.write_text(json.dumps(json.loads(experiment_file.read_text()) | {"layer": layer}))
    traffic = Traffic("checkout", 125_000, 625_000)
    rows = [
        {"user_id": user, "variant": drawn_variant("checkout-button", user, WEIGHTS)}
        if takes_part(traffic, user)
        else {"user_id": user, "variant": None}
        for user in USERS
    ]
    path = as_ndjson(tmp_path / "rows.ndjson", rows)

    assert verify_assignments.main([str(experiment_file), str(path)]) == 0
    assert closing(capsys) == f"{len(USERS)} agree, 0 differ, 0 skipped"
