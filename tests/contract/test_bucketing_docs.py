"""docs/bucketing.md and tools/verify_assignments.py against the implementation."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from experimentation.domain import bucketing
from tools import verify_assignments

ROOT = Path(__file__).parents[2]
DOCS = (ROOT / "docs" / "bucketing.md").read_text()
CASES = json.loads((ROOT / "tests" / "vectors" / "bucketing.json").read_text())["cases"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['salt']}-{case['user_id']}"[:40])
def test_the_offline_tool_computes_every_golden_vector(case: dict[str, object]) -> None:
    salt, user_id = str(case["salt"]), str(case["user_id"])
    weights = tuple((key, weight) for key, weight in case["weights"])  # type: ignore[attr-defined]
    rules = verify_assignments.Rules("exp", salt, (salt, 0, case["traffic_allocation"]), weights, {})  # type: ignore[arg-type]

    draws = {purpose: verify_assignments.draw(salt, purpose, user_id) for purpose in ("traffic", "variant")}

    assert {purpose: str(draw) for purpose, draw in draws.items()} == case["u64"]
    assert {purpose: verify_assignments.bucket(draw) for purpose, draw in draws.items()} == case["bucket"]
    assert verify_assignments.computed(rules, user_id) == case["variant"]


def test_the_example_of_the_docs_is_what_is_computed() -> None:
    rows = re.findall(r"^\| (traffic|variant) \| (\d+) \| (\d+) \|", DOCS, re.MULTILINE)

    assert len(rows) == 2
    for purpose, draw, bucket in rows:
        found = bucketing.unit_hash("checkout-button", purpose, "u1")
        assert (str(found), str(bucketing.bucket(found))) == (draw, bucket)


@pytest.mark.parametrize("tail", ["python3", "bc"])
def test_the_shell_line_of_the_docs_prints_the_bucket(tail: str) -> None:
    if not shutil.which(tail):
        pytest.skip(f"no {tail} here")
    line = re.search(r"```sh\n(printf .*?)```", DOCS, re.DOTALL)
    with_bc = re.search(r"The same without Python: `(.*)`", DOCS)
    assert line
    assert with_bc
    command = line[1] if tail == "python3" else line[1].rpartition("\\\n")[0] + with_bc[1]

    printed = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True).stdout

    assert printed == "412894\n"


def test_the_number_of_vectors_in_the_docs_is_theirs() -> None:
    assert f"# {len(CASES)} passed, 0 failed" in DOCS
