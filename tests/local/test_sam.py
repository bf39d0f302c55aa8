"""A deployment into the emulator, and `make sam-local` with a stand-in for SAM: no Docker here."""

import asyncio
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from local import sam_emulator
from local.code import sources
from local.deployment import write_emulated
from local.emulator import Emulator, EmulatorError, free_port
from local.paths import MONITORING, ROOT, TEMPLATE
from local.template import Loader


def test_emulator_gets_all_but_what_it_cannot_do(tmp_path: Path) -> None:
    for path in (TEMPLATE, MONITORING):  # which is what `sam build` starts from
        shutil.copy(path, tmp_path)
    before = yaml.load(MONITORING.read_text(), Loader=Loader)["Resources"]

    written, told = write_emulated(tmp_path / TEMPLATE.name)

    made = json.loads(written.read_text())["Resources"]
    nested = json.loads(Path(made["Dashboard"]["Properties"]["TemplateURL"]).read_text())["Resources"]
    gone = set(before) - set(nested)
    assert gone == {"ServerErrorsAlarm", "TableThrottlesAlarm", "RejectedEventsAlarm"}
    assert all(name in told[-1] for name in gone)
    assert nested == {name: each for name, each in before.items() if name not in gone}
    mapping = made["RecordEventsMapping"]["Properties"]
    assert mapping["ScalingConfig"] == {"MaximumConcurrency": 4}


def test_without_docker_one_line_says_so() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "local.sam_local"],
        cwd=ROOT,
        env={"PATH": "/nowhere"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == "error: sam local needs Docker, and none answers here; `make run` needs none\n"


def test_a_port_in_use_is_named_before_anything_starts(tmp_path: Path) -> None:
    (tmp_path / "docker").write_text("#!/bin/sh\n")
    (tmp_path / "docker").chmod(0o755)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-m", "local.sam_local"],
            cwd=ROOT,
            env={"PATH": f"{tmp_path}:/bin", "PORT": str(port)},
            capture_output=True,
            text=True,
            check=False,
        )

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"error: 127.0.0.1:{port} is in use; PORT=... takes another\n"


# Lists its routes for a while, then serves; takes its containers away on SIGTERM, unless it is interrupted
SAM = """
import http.server, signal, sys, time
from pathlib import Path
def leave(number, frame):
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("interrupted"))
    time.sleep(1)
    Path(sys.argv[2]).write_text("no container is left")
    sys.exit(0)
signal.signal(signal.SIGTERM, leave)
signal.signal(signal.SIGINT, leave)
time.sleep(1)
print("Mounting", flush=True)
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), http.server.BaseHTTPRequestHandler).serve_forever()
"""
DRIVER = """
import sys
from pathlib import Path
from local.code import sources
from local.sam_emulator import run
from local.sam_local import serving
sys.exit(run(serving([sys.executable, "-c", *sys.argv[3:]], int(sys.argv[1])), Path(sys.argv[2]), sources()))
"""


def driven(names: Path, port: int, *sam: str) -> subprocess.Popen[str]:
    """Start what `make sam-local` starts, as a terminal would, with a stand-in for sam."""
    return subprocess.Popen(
        [sys.executable, "-c", DRIVER, str(port), str(names), *sam],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def test_ctrl_c_leaves_no_container_and_ready_comes_when_the_port_answers(tmp_path: Path) -> None:
    port, left = free_port(), tmp_path / "left"
    process = driven(tmp_path / "sam.json", port, SAM, str(port), str(left))
    assert process.stdout is not None
    lines = [process.stdout.readline(), process.stdout.readline()]
    with socket.create_connection(("127.0.0.1", port), timeout=1):
        pass
    was_named = (tmp_path / "sam.json").exists()

    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=30)

    assert lines[0] == "Mounting\n"
    assert lines[1].startswith(f"ready http://127.0.0.1:{port} username=admin password=")
    assert left.read_text() == "no container is left"
    assert (process.returncode, errors) == (0, "")
    assert (was_named, (tmp_path / "sam.json").exists()) == (True, False)


def test_nothing_is_ready_when_sam_has_ended(tmp_path: Path) -> None:
    with socket.socket() as taken:  # so the port answers, but it is not sam that does
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        process = driven(
            tmp_path / "sam.json", taken.getsockname()[1], "raise SystemExit('Address already in use')"
        )
        said, errors = process.communicate(timeout=30)

    assert (process.returncode, said) == (1, "")
    assert "Address already in use" in errors


@pytest.fixture
def emulator(tmp_path: Path) -> Iterator[Emulator]:
    """An emulator that has been started and may not answer yet."""
    process = Emulator(tmp_path / "data")
    process.start()
    yield process
    process.stop()


def test_what_runs_beside_an_emulator_that_is_killed_ends(emulator: Emulator, tmp_path: Path) -> None:
    names = tmp_path / "sam.json"

    async def front(_password: str, stopping: asyncio.Event) -> int:
        os.kill(emulator.process_id, signal.SIGKILL)
        await asyncio.wait_for(stopping.wait(), 10)
        return 0

    with pytest.raises(EmulatorError, match="the emulator ended"):
        asyncio.run(sam_emulator.beside(emulator, tmp_path, names, front, sources()))
    assert not names.exists()


def test_containers_reach_the_emulator_through_their_bridge_and_nobody_else_does(
    emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sam_emulator, "_bridge", lambda: "127.0.0.2")
    port = int(emulator.endpoint.rsplit(":", 1)[1])

    def health(address: str) -> int:
        connection = http.client.HTTPConnection(address, port, timeout=5)
        try:
            connection.request("GET", "/_ministack/health")
            return connection.getresponse().status
        finally:
            connection.close()

    async def front(_password: str, _stopping: asyncio.Event) -> int:
        assert await asyncio.to_thread(health, "127.0.0.2") == 200
        with pytest.raises(ConnectionRefusedError):
            await asyncio.to_thread(health, "127.0.0.3")
        return 0

    assert asyncio.run(sam_emulator.beside(emulator, tmp_path, tmp_path / "sam.json", front, sources())) == 0
