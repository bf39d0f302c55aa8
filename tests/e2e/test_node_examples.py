"""The programs for Node under examples/, installed as package.json pins them, against a running stack."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.emulator import free_port
from local.paths import ROOT
from tests.e2e.conftest import RunningStack
from tests.e2e.test_examples import NOWHERE, admin, color_of, events_of, key

__all__ = ["admin", "key"]  # fixtures

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.heavy,
    pytest.mark.xdist_group("stack"),
    pytest.mark.skipif(shutil.which("npm") is None, reason="Node is not installed"),
]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Copies an example and installs what its package.json names."""
    done: dict[str, Path] = {}

    def install(name: str) -> Path:
        if name not in done:
            folder = tmp_path_factory.mktemp(name) / name
            shutil.copytree(ROOT / "examples" / name, folder)
            _run(["npm", "install", "--no-audit", "--no-fund", "--no-package-lock"], folder)
            done[name] = folder
        return done[name]

    return install


@pytest.fixture(params=["there", "down"])
def url(request: pytest.FixtureRequest, stack: RunningStack) -> str:
    """The platform's address, and one where nothing answers."""
    return stack.base_url if request.param == "there" else NOWHERE


def test_express_shows_the_variant_and_counts_an_order_once(
    installed: Any, url: str, key: str, admin: httpx.Client
) -> None:
    with _serving(["node", "server.mjs"], installed("node"), url, key) as shop:
        page = shop.get("/")
        user_id = shop.cookies["visitor"]
        script = shop.get("/experiments/checkout-button").json()
        others = shop.get("/experiments/another").status_code
        bought = [shop.post(f"/orders/express-{user_id}").status_code for _ in range(2)]

        assert f"color: {color_of(user_id, url)}" in page.text
        assert script["config"] == {"color": color_of(user_id, url)}
        assert others == 404
        assert bought == [201, 201]
        if url != NOWHERE:
            assert len(events_of(admin, user_id, 1)) == 1


def test_openfeature_for_node_reads_the_same_variant(installed: Any, url: str, key: str) -> None:
    shown = _run(["node", "openfeature.mjs", "openfeature-node"], installed("node"), url, key)

    assert shown.split() == [color_of("openfeature-node", url)]


def test_next_js_renders_the_variant_on_the_server_and_counts_an_order(
    installed: Any, stack: RunningStack, key: str, admin: httpx.Client
) -> None:
    folder = installed("nextjs")
    _run(["npm", "run", "build"], folder, stack.base_url, key)

    with _serving(["npm", "run", "start"], folder, stack.base_url, key) as shop:
        page = shop.get("/")
        user_id = shop.cookies["visitor"]
        again = shop.get("/")
        bought = shop.post(f"/buy?order=next-{user_id}")

        assert f"color:{color_of(user_id, stack.base_url)}" in page.text
        assert f"color:{color_of(user_id, stack.base_url)}" in again.text
        assert key not in page.text
        assert bought.status_code == 201
        assert events_of(admin, user_id, 1)[0]["event_id"] == f"order-next-{user_id}"


def _environment(url: str, key: str) -> dict[str, str]:
    patient = {"EXPERIMENTS_TIMEOUT_MS": "20000", "NEXT_TELEMETRY_DISABLED": "1"}
    return {**os.environ, **patient, "EXPERIMENTS_URL": url, "EXPERIMENTS_KEY": key}


def _run(command: list[str], folder: Path, url: str = NOWHERE, key: str = "") -> str:
    done = subprocess.run(
        command, cwd=folder, env=_environment(url, key), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@contextmanager
def _serving(command: list[str], folder: Path, url: str, key: str) -> Iterator[httpx.Client]:
    """Run a server until it answers, with a client that keeps its cookies as a browser does."""
    port = free_port()
    environment = {**_environment(url, key), "PORT": str(port)}
    log = folder / "server.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=output, stderr=output, start_new_session=True
        )
    transport = httpx.HTTPTransport(retries=10)  # httpx waits longer before each: a minute together
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", transport=transport, timeout=60) as client:
            yield client
    except httpx.ConnectError as error:
        raise AssertionError(log.read_text()) from error
    finally:
        os.killpg(process.pid, 15)
        process.wait(30)
