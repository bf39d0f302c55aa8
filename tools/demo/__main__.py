"""`python -m tools.demo` - replay real trials through the API and leave a stack that one can look at.

Without BASE_URL it starts a local stack, which stays up until Ctrl-C. With BASE_URL, and ADMIN_USERNAME and
ADMIN_PASSWORD, it uses the one that is there; experiments that are there already are only read.
"""

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple

from tools.demo.client import Api, is_there, replay
from tools.demo.lalonde import lalonde
from tools.demo.physicians import physicians
from tools.demo.shop import USERS, shop

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "demo-demo-demo"  # noqa: S105 - of a stack that listens on this machine alone
KNOWN = {
    "physicians-health-study": "Agresti: 0.0171 and 0.0094, difference 0.0077 (0.0047 to 0.0107)",
    "lalonde-job-training": "Dehejia and Wahba: training is worth 1,794 dollars",
    "shop": "made so that one_page sells more, most of all in the US",
    "shop-mismatch": "made so that express loses users: no verdict may follow",
}


class Stack(NamedTuple):
    """Where the platform answers, and who may ask."""

    base_url: str
    username: str
    password: str


def main() -> int:
    """Run the demonstration."""
    parser = argparse.ArgumentParser(
        description="Replays real trials and a synthetic shop through the API.",
        epilog="The environment: BASE_URL, ADMIN_USERNAME, ADMIN_PASSWORD of a stack; else PORT, DATA.",
    )
    parser.add_argument("--users", type=int, default=USERS, help=f"of the shop; default: {USERS}")
    parser.add_argument("--exit", action="store_true", help="stop the local stack at the end")
    chosen = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        with _stack() as (stack, process):
            _show(stack, chosen.users)
            _say(f"\nlook at it: {stack.base_url}  username={stack.username}  password={stack.password}")
            if process is not None and not chosen.exit:
                _say("Ctrl-C stops it")
                process.wait()
    except KeyboardInterrupt:
        pass
    return 0


def _show(stack: Stack, users: int) -> None:
    now = time.time_ns() // 1_000_000
    with Api(*stack) as api:
        for trial in (lalonde(now), physicians(now), shop(now, users), shop(now, users, mismatch=True)):
            name = str(trial.definition["id"])
            _say(f"\n{trial.title}")
            if is_there(api, trial):
                _report(name, api.get(f"/experiments/{name}/results", format="full"))
            else:
                _report(name, replay(api, trial, _say))


def _report(name: str, results: dict[str, Any]) -> None:
    _say(f"  known:  {KNOWN[name]}")
    _say(f"  shown:  {results['summary']}")
    for metric in results["metrics"]:
        figures = ", ".join(
            f"{key} {_number(each['mean'])} of {each['users']:,}" for key, each in metric["variants"].items()
        )
        _say(f"          {metric['key']}: {figures}")
        for key, each in metric["comparisons"].items():
            low, high = map(_number, each["interval"] or (None, None))
            line = f"{key}: difference {_number(each['difference'])} ({low} to {high})"
            line += f", p = {_number(each['p_value'])}"
            adjusted = each["cuped"]["adjusted"]
            _say(f"            {line}" + (f"; CUPED {_number(adjusted['difference'])}" if adjusted else ""))
    _say(f"          split of users: {results['srm']['status']}, p = {_number(results['srm']['p_value'])}")


def _number(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.5g}"


@contextmanager
def _stack() -> Iterator[tuple[Stack, "subprocess.Popen[str] | None"]]:
    base_url = os.environ.get("BASE_URL")
    if base_url:
        username = os.environ.get("ADMIN_USERNAME", "admin")
        yield Stack(base_url.rstrip("/"), username, os.environ["ADMIN_PASSWORD"]), None
        return
    process = subprocess.Popen(
        [sys.executable, "-m", "local"],
        cwd=ROOT,
        env={"DATA": str(ROOT / ".local" / "demo"), "ADMIN_PASSWORD": PASSWORD, **os.environ},
        stdout=subprocess.PIPE,
        text=True,
        process_group=0,  # Ctrl-C is for us: we stop the stack when we have done with it
    )
    try:
        yield _ready(process), process
    finally:
        process.send_signal(signal.SIGINT)
        process.wait()


def _ready(process: "subprocess.Popen[str]") -> Stack:
    """Wait for the ready line; the stack's lines about each request after it are read and dropped."""
    for line in process.stdout or ():
        if line.startswith("ready "):
            Thread(target=_drain, args=(process,), daemon=True).start()
            _, base_url, username, password = line.split()
            return Stack(base_url, username.partition("=")[2], password.partition("=")[2])
    raise SystemExit("the local stack did not start")


def _drain(process: "subprocess.Popen[str]") -> None:
    for _ in process.stdout or ():
        pass


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
