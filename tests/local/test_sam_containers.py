"""`sam build && sam local start-api` beside `make emulator`, as far as it goes without a container engine."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.code import built
from local.emulator import Emulator
from local.paths import ROOT, TEMPLATE
from local.payload import Received, event
from local.sam_emulator import beside
from local.template import read_template

SAM_PYTHON = ROOT / ".venv-sam" / "bin" / "python"
BUILT = ROOT / ".aws-sam" / "build" / "template.yaml"
PASSWORD = "a password of this test"

pytestmark = pytest.mark.skipif(
    not (SAM_PYTHON.exists() and BUILT.exists()), reason="needs `make build`: SAM and what it built"
)


class Api:
    """The built functions, each call in a process that has what its container would have, and no more."""

    def __init__(self, containers: dict[str, Any]) -> None:
        self.told = containers
        self._headers = {"content-type": "application/json", "host": "localhost"}

    def call(self, function: str, method: str, path: str, body: object = None, **parameters: str) -> Any:
        container = self.told["containers"][function]
        received = Received(
            method=method,
            path=path.format(**parameters),
            query="",
            headers=list(self._headers.items()),
            body=b"" if body is None else json.dumps(body).encode(),
            source_ip="127.0.0.1",
            protocol="HTTP/1.1",
            scheme="http",
            port=3000,
            path_parameters=parameters,
        )
        message = {
            "hosts": self.told["hosts"],
            "code": container["code"],
            "layers": container["layers"],
            "handler": container["handler"],
            "event": event(received, f"{method} {path}", "a-request", 0),
        }
        done = subprocess.run(
            [sys._base_executable, "-I", "-S", str(Path(__file__).with_name("container.py"))],  # type: ignore[attr-defined]
            input=json.dumps(message),
            env=container["environment"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        answer = json.loads(done.stdout.splitlines()[-1])
        assert answer["statusCode"] // 100 == 2, answer
        return json.loads(answer["body"])

    def sign_in(self) -> None:
        credentials = {"username": "admin", "password": PASSWORD}
        token = self.call("AuthTokenFunction", "POST", "/auth/token", credentials)["access_token"]
        self._headers["authorization"] = f"Bearer {token}"


def told(*options: str) -> dict[str, Any]:
    """Return what SAM makes of the project's files, for somebody who has an account and a region."""
    elsewhere = {"AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "AKIAREAL", "AWS_SECRET_ACCESS_KEY": "real"}
    done = subprocess.run(
        [str(SAM_PYTHON), str(Path(__file__).with_name("sam_containers.py")), *options],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], "SAM_CLI_TELEMETRY": "0"} | elsewhere,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    line = next(line for line in done.stdout.splitlines() if line.startswith("{"))
    found: dict[str, Any] = json.loads(line)
    return found


@pytest.fixture
def names(tmp_path: Path) -> Path:
    return tmp_path / "sam.json"


@pytest.fixture
def emulator(tmp_path: Path) -> Iterator[Emulator]:
    process = Emulator(tmp_path / "data")
    process.start()
    yield process
    process.stop()


@pytest.mark.heavy
def test_a_container_finds_everything_in_the_emulator(
    emulator: Emulator, names: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ADMIN_PASSWORD", PASSWORD)

    async def story(password: str, _stopping: asyncio.Event) -> int:
        assert password == PASSWORD
        await asyncio.to_thread(use, Api(told("--env-vars", str(names))))
        return 0

    assert asyncio.run(beside(emulator, tmp_path, names, story, built(BUILT.parent))) == 0
    assert not names.exists()


def use(api: Api) -> None:
    """Sign in, assign, send an event, and read results until it is counted."""
    assert api.told["hosts"] == {"host.docker.internal": "host-gateway"}
    made = read_template(TEMPLATE).functions
    served = [route for route in api.told["routes"] if not route.startswith("OPTIONS ")]
    assert len(served) == sum(each.method != "OPTIONS" for function in made for each in function.routes)
    for function in made:
        environment = api.told["containers"][function.name]["environment"]
        assert environment["AWS_ENDPOINT_URL"].startswith("http://host.docker.internal:")
        assert environment["AWS_REGION"] == "us-east-1"
    api.sign_in()
    experiment = {
        "id": "button",
        "name": "Button",
        "variants": [{"key": "a", "weight": 50}, {"key": "b", "weight": 50}],
        "metrics": [{"key": "bought", "event_type": "purchase", "kind": "conversion", "role": "primary"}],
    }
    api.call("ExperimentsCreateFunction", "POST", "/experiments", experiment)
    one = "/experiments/{experiment_id}"
    api.call(
        "ExperimentsChangeStatusFunction",
        "POST",
        f"{one}/status",
        {"status": "running"},
        experiment_id="button",
    )
    api.call(
        "AssignmentsAssignFunction",
        "POST",
        f"{one}/assignments",
        {"user_id": "u1"},
        experiment_id="button",
    )
    api.call("EventsRecordFunction", "POST", "/events", {"user_id": "u1", "type": "purchase"})
    for _ in range(60):
        results = api.call("ResultsReadFunction", "GET", f"{one}/results", experiment_id="button")
        variants = results["metrics"][0]["variants"].values()
        if sum(variant["converters"] for variant in variants) == 1:
            return
    raise AssertionError("the event was not counted")


def test_without_the_emulator_sam_names_the_file_that_it_would_write() -> None:
    done = subprocess.run(
        [str(SAM_PYTHON.with_name("sam")), "local", "start-api", "--env-vars", ".local/no-such-file.json"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], "SAM_CLI_TELEMETRY": "0"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode != 0
    assert "no-such-file.json" in done.stderr
