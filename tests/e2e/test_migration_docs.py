"""The programs in the migration guides do what the guides say."""

import os
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from local.paths import ROOT
from tests.e2e.conftest import RunningStack

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("stack")]


@pytest.mark.parametrize(
    ("guide", "lines", "experiment", "variants"),
    [
        ("evidently", "evaluations.ndjson", "upsell", {"7": "Variation1", "8": "Variation2"}),
        ("appconfig", "assignments.ndjson", "inference-settings", {"user-1": "control", "user-2": "t1"}),
    ],
)
def test_an_imported_user_keeps_the_variant(
    stack: RunningStack, tmp_path: Path, guide: str, lines: str, experiment: str, variants: dict[str, str]
) -> None:
    text = (ROOT / "docs" / f"migrating-from-{guide}.md").read_text()
    (tmp_path / lines).write_text(_block(text, "json lines"))
    token = stack.token()
    environment = os.environ | {"BASE_URL": stack.base_url, "TOKEN": token}

    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _block(text, "python")],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stdout == "2 stored, 0 there already\n", done.stderr
    with httpx.Client(base_url=stack.base_url, headers={"Authorization": f"Bearer {token}"}) as api:
        for user, variant in variants.items():
            answer = api.post(f"/experiments/{experiment}/assignments", json={"user_id": user}).json()
            assert (answer["variant"], answer["reason"]) == (variant, "stored")
        results = api.get(f"/experiments/{experiment}/results").json()
    assert sum(results["enrolled"].values()) == 2


def _block(text: str, language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", text, re.DOTALL)
    assert found is not None
    return found.group(1)
