"""The notebook's cells run against a stack and reproduce what it answers."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from local.paths import ROOT
from tests.conftest import now
from tests.e2e.conftest import RunningStack
from tools.demo.client import Api, is_there, replay
from tools.demo.lalonde import lalonde

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("stack"), pytest.mark.heavy]

NOTEBOOK = ROOT / "examples" / "analysis.ipynb"


def test_the_notebook_reproduces_the_decision_from_the_rows(stack: RunningStack, tmp_path: Path) -> None:
    trial = lalonde(now())
    with Api(stack.base_url, "admin", stack.password) as api:
        if not is_there(api, trial):
            replay(api, trial, lambda _: None)
        key = api.post("/api-keys", {"name": "notebook", "scopes": ["results:read"]})["key"]
    cells = [each for each in json.loads(NOTEBOOK.read_text())["cells"] if each["cell_type"] == "code"]
    program = "\n\n".join("".join(each["source"]) for each in cells)
    environment = {
        **os.environ,
        "EXPERIMENTS_URL": stack.base_url,
        "EXPERIMENTS_KEY": key,
        "EXPERIMENT": str(trial.definition["id"]),
        "MPLBACKEND": "Agg",
        "PICTURE": str(tmp_path / "segments.png"),
    }

    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    assert "trained - not_trained: 1794" in done.stdout
    assert (tmp_path / "segments.png").stat().st_size > 5_000


def test_the_notebook_is_committed_without_what_it_printed() -> None:
    for cell in json.loads(NOTEBOOK.read_text())["cells"]:
        assert cell.get("outputs", []) == []
        assert cell.get("execution_count") is None
