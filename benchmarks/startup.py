"""What a cold start costs: CPU of fresh processes that import a function as it is deployed, .pyc and all."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import NamedTuple

from benchmarks import OBSERVABILITY
from benchmarks.rig import request
from benchmarks.tables import Section, Table, ms, times
from local.emulator import CREDENTIALS
from local.paths import FUNCTIONS, LAYER, ROOT, TEMPLATE
from local.template import read_template

PROCESSES = 15
BOTOCORE = "import botocore.session; botocore.session.get_session().create_client('dynamodb')"
BARE = "import boto3; boto3.session.Session().client('dynamodb')"
CLIENT = "from experimentation.storage.aws import client; client.dynamodb()"
POWERTOOLS = "powertools_endpoint"
ASSIGN = "assignments.assign"
RESULTS = "results.read"
ANSWER = (
    "import json, os, {module} as m; "
    "assert m.handler(json.loads(os.environ['EVENT']), None)['statusCode'] == 200"
)


class Deployed(NamedTuple):
    """The folders as Lambda has them: the layer's site and the functions."""

    layer: Path
    functions: Path

    @property
    def path(self) -> str:
        """The PYTHONPATH of a function."""
        return f"{self.functions}{os.pathsep}{self.layer / 'python'}"


def deploy(folder: Path) -> Deployed:
    """Build the layer by its Makefile and compile the functions, the Powertools one among them."""
    shutil.rmtree(folder, ignore_errors=True)
    make = [
        "make",
        "-C",
        str(LAYER),
        "build-CommonLayer",
        f"ARTIFACTS_DIR={folder}",
        f"PYTHON={sys.executable}",
    ]
    subprocess.run(make, check=True, capture_output=True)
    functions = folder / "functions"
    shutil.copytree(FUNCTIONS, functions, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(Path(__file__).with_name(f"{POWERTOOLS}.py"), functions)
    compiling = [
        sys.executable,
        "-m",
        "compileall",
        "-q",
        "--invalidation-mode",
        "unchecked-hash",
        str(functions),
    ]
    subprocess.run(compiling, check=True)
    return Deployed(folder, functions)


def measure(deployed: Deployed, env: Mapping[str, str]) -> Section:
    """Return the start of each function, and the CPU until the first answer of some, against the emulator."""
    modules = [function.handler.rpartition(".")[0] for function in read_template(TEMPLATE).functions]
    starts = {module: f"import {module}; {CLIENT}" for module in [*modules, POWERTOOLS]}
    cold = _medians({"bare": BARE, "botocore": BOTOCORE, **starts}, deployed, env)
    event = request(ASSIGN.replace(".", "/"), {"user_id": "u1"}, experiment_id="bench")
    answers = {module: ANSWER.format(module=module) for module in (ASSIGN, POWERTOOLS)}
    first = _medians({"bare": BARE, **answers}, deployed, {**env, "EVENT": json.dumps(event)})
    bare = cold.pop("bare")
    layer = cold.pop("botocore")
    rows = [
        ("a bare process: boto3 and one DynamoDB client", ms(bare), times(1)),
        ("the layer's botocore and one DynamoDB client", ms(layer), times(layer / bare)),
    ]
    rows += [
        (name, ms(cost), times(cost / bare)) for name, cost in sorted(cold.items(), key=lambda kv: kv[1])
    ]
    size = sum(file.stat().st_size for file in (deployed.layer / "python").rglob("*") if file.is_file())
    answered = [
        (name, ms(cost), times(cost / first["bare"])) for name, cost in first.items() if name != "bare"
    ]
    return Section(
        [
            Table(
                "Start-up",
                ("process", "CPU ms", "against bare"),
                rows,
                f"Medians of {PROCESSES} fresh processes each, in turns, one on each core: the function's "
                "module imported and its DynamoDB client made, from the built layer "
                f"({size / 1e6:.0f} MB). The bare process has boto3 as pip installs it, .pyc included. "
                f"`{POWERTOOLS}` is the assignment endpoint written with Powertools' validating resolver, on "
                "the same use case and the same authentication.",
            ),
            Table(
                "Start-up to the first answer",
                ("process", "CPU ms", "against bare"),
                answered,
                "The same, and one repeat assignment answered: models built, the signing secret and the deny "
                "list read, the experiment and the user's head read.",
            ),
        ],
        {
            "startup.bare": bare,
            "startup.assign": cold[ASSIGN],
            "startup.results": cold[RESULTS],
            "startup.powertools": cold[POWERTOOLS],
            "startup.record_batch": cold["events.record_batch"],
            "startup.worker": cold["workers.record_events"],
            "startup.first_answer": first[ASSIGN],
        },
    )


def _medians(codes: Mapping[str, str], deployed: Deployed, env: Mapping[str, str]) -> dict[str, float]:
    """Return each program's median CPU in milliseconds; every round runs each once, one on each core."""
    taken: dict[str, list[float]] = {name: [] for name in codes}
    clean = {
        **OBSERVABILITY,
        **CREDENTIALS,
        **env,
        "PATH": os.environ["PATH"],
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    paths = {name: sysconfig.get_paths()["purelib"] if name == "bare" else deployed.path for name in codes}
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for _ in range(PROCESSES):
            costs = pool.map(lambda name: _cpu(codes[name], clean | {"PYTHONPATH": paths[name]}), codes)
            for name, cost in zip(codes, costs, strict=True):
                taken[name].append(cost)
    return {name: median(costs) for name, costs in taken.items()}


def _cpu(code: str, env: dict[str, str]) -> float:
    interpreter = str(Path(sys.executable).resolve())  # not the environment's: its packages are not Lambda's
    process = subprocess.Popen(
        [interpreter, "-s", "-c", code], env=env, cwd=ROOT.parent, stdout=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"this failed: {code}")
    return (usage.ru_utime + usage.ru_stime) * 1000
