"""A real HTTP cache in front of the stack: it saves calls, and nobody sees what another was answered.

Runs where nginx is installed; `make cache-test` installs it where it may.
"""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from local.emulator import free_port
from tests.e2e.conftest import RunningStack

NGINX = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
BY_CALLER = (
    "$http_authorization|$http_x_api_key|$http_cookie|$http_origin"  # as template.yaml's EdgeCachePolicy
)

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(NGINX is None, reason="nginx is not installed")]

CONFIGURATION = """
daemon off;
{user}
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  proxy_cache_path {folder}/kept keys_zone=edge:1m;
  proxy_cache edge;
  proxy_cache_revalidate on;
  add_header X-Cache $upstream_cache_status always;
  server {{
    listen 127.0.0.1:{by_caller};
    location / {{ proxy_pass {origin}; proxy_cache_key "a|$request_uri|{key}"; }}
  }}
  server {{
    listen 127.0.0.1:{by_vary};
    location / {{ proxy_pass {origin}; proxy_cache_key "b|$request_uri"; }}
  }}
  server {{
    listen 127.0.0.1:{short_lived};
    location / {{
      proxy_pass {origin};
      proxy_cache_key "c|$request_uri|{key}";
      proxy_ignore_headers Cache-Control;
      proxy_cache_valid 200 1s;
    }}
  }}
}}
"""


@pytest.fixture(scope="module")
def caches(stack: RunningStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """`by_caller` has credentials in its key, `by_vary` goes by Vary alone, `short_lived` forgets soon."""
    folder = tmp_path_factory.mktemp("nginx")
    ports = {name: free_port() for name in ("by_caller", "by_vary", "short_lived")}
    user = "user root;" if os.geteuid() == 0 else ""
    text = CONFIGURATION.format(folder=folder, origin=stack.base_url, key=BY_CALLER, user=user, **ports)
    (folder / "nginx.conf").write_text(text)
    process = subprocess.Popen([NGINX, "-p", folder, "-e", folder / "error.log", "-c", folder / "nginx.conf"])
    wait_for(f"http://127.0.0.1:{ports['by_caller']}/health", process, folder)
    yield {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
    process.terminate()
    process.wait(10)


def wait_for(url: str, process: subprocess.Popen[bytes], folder: Path) -> None:
    for _ in range(100):
        try:
            httpx.get(url)
        except httpx.TransportError:
            assert process.poll() is None, (folder / "error.log").read_text()
            time.sleep(0.05)
        else:
            return
    raise AssertionError((folder / "error.log").read_text())


@pytest.fixture(scope="module")
def admin(stack: RunningStack) -> dict[str, str]:
    return {"Authorization": f"Bearer {stack.token()}"}


@pytest.fixture(scope="module")
def collector(stack: RunningStack, admin: dict[str, str]) -> dict[str, str]:
    """A caller who may send events and read nothing."""
    body = {"name": "collector", "scopes": ["events:write"]}
    made = httpx.post(f"{stack.base_url}/api-keys", json=body, headers=admin).raise_for_status().json()
    return {"X-API-Key": made["key"]}


@pytest.fixture(scope="module")
def cookie(stack: RunningStack) -> dict[str, str]:
    """The administrator again, signed in as a browser is."""
    credentials = {"username": "admin", "password": stack.password, "transport": "cookie"}
    origin = {"Origin": stack.base_url}
    answer = httpx.post(f"{stack.base_url}/auth/token", json=credentials, headers=origin)
    pairs = [each.split(";")[0] for each in answer.headers.get_list("set-cookie")]
    return {"Cookie": "; ".join(pairs)}


@pytest.fixture
def path(stack: RunningStack, admin: dict[str, str]) -> str:
    """An experiment of the test's own that runs."""
    name = f"cache-{time.time_ns()}"
    variants = [{"key": "a", "weight": 50}, {"key": "b", "weight": 50}]
    url = f"{stack.base_url}/experiments"
    httpx.post(url, json={"id": name, "name": "X", "variants": variants}, headers=admin).raise_for_status()
    status = {"status": "running"}
    httpx.post(f"{url}/{name}/status", json=status, headers=admin).raise_for_status()
    return f"/experiments/{name}"


def seen(answer: httpx.Response) -> str:
    return answer.headers.get("x-cache", "")


@pytest.mark.parametrize("cache", ["by_caller", "by_vary"])
@pytest.mark.parametrize("suffix", ["", "/results"])
def test_same_caller_is_answered_from_the_cache(caches, admin, path, cache, suffix) -> None:
    url = caches[cache] + path + suffix

    first, second = httpx.get(url, headers=admin), httpx.get(url, headers=admin)

    assert (first.status_code, seen(first), seen(second)) == (200, "MISS", "HIT")
    assert second.content == first.content
    assert second.headers["x-request-id"] == first.headers["x-request-id"]  # no function was called


def test_caller_who_has_it_gets_a_304_from_the_cache(caches, admin, path) -> None:
    url = caches["by_caller"] + path + "/results"
    first = httpx.get(url, headers=admin)

    again = httpx.get(url, headers=admin | {"If-None-Match": first.headers["etag"]})

    assert (again.status_code, seen(again), again.content) == (304, "HIT", b"")


def test_cache_asks_again_with_the_tag_and_learns_that_nothing_changed(caches, admin, path) -> None:
    url = caches["short_lived"] + path + "/results"
    first = httpx.get(url, headers=admin)
    time.sleep(2.1)

    later = httpx.get(url, headers=admin)

    assert (later.status_code, seen(later)) == (200, "REVALIDATED")
    assert later.content == first.content


@pytest.mark.parametrize("cache", ["by_caller", "by_vary"])
def test_nobody_sees_what_another_was_answered(caches, admin, collector, cookie, path, cache) -> None:
    url = caches[cache] + path + "/results"
    callers = {"collector": collector, "nobody": {}, "forged": {"Authorization": "Bearer x"}}
    assert httpx.get(url, headers=admin).status_code == 200
    assert seen(httpx.get(url, headers=admin)) == "HIT"

    others = {name: httpx.get(url, headers=headers) for name, headers in callers.items()}
    by_cookie = httpx.get(url, headers=cookie)

    assert {name: answer.status_code for name, answer in others.items()} == {
        "collector": 403,
        "nobody": 401,
        "forged": 401,
    }
    assert (by_cookie.status_code, seen(by_cookie)) == (200, "MISS")
    assert seen(httpx.get(url, headers=cookie)) == "HIT"
    assert httpx.get(url, headers={"Cookie": "__Host-access=x"}).status_code == 401
    assert seen(httpx.get(url, headers=admin)) == "HIT"  # refusals have put nothing in its place


@pytest.mark.parametrize("cache", ["by_caller", "by_vary", "short_lived"])
def test_refusals_are_not_kept(caches, path, cache) -> None:
    url = caches[cache] + path

    assert [httpx.get(url).status_code for _ in range(2)] == [401, 401]
    assert seen(httpx.get(url)) != "HIT"


@pytest.mark.parametrize("cache", ["by_caller", "by_vary"])
def test_who_am_i_and_assignments_are_asked_every_time(caches, admin, path, cache) -> None:
    me = caches[cache] + "/auth/me"
    assignments = caches[cache] + path + "/assignments"
    body = {"user_id": "u1"}

    mine = [httpx.get(me, headers=admin) for _ in range(2)]
    assigned = [httpx.post(assignments, json=body, headers=admin) for _ in range(2)]
    read = [httpx.get(assignments, params=body, headers=admin) for _ in range(2)]

    assert [answer.status_code for answer in assigned] == [201, 200]
    assert {answer.headers["cache-control"] for answer in (*mine, *assigned, *read)} == {"no-store"}
    assert "HIT" not in {seen(answer) for answer in (*mine, *assigned, *read)}
