"""`python -m tools.demo` - a shop that has been experimenting for thirty days, to look at.

The first start plays the thirty days, which takes a minute or two; later ones find them there. RESET=1 plays
them again. With `--trials` two famous trials and a larger shop are replayed through the API as well; with
BASE_URL, ADMIN_USERNAME and ADMIN_PASSWORD they are replayed into a stack that is there already.
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

from local.paths import DATA, LAYER, ROOT
from tools.demo.client import Api, is_there, replay
from tools.demo.lalonde import lalonde
from tools.demo.physicians import physicians
from tools.demo.shop import USERS, shop

PASSWORD = "demo-demo-demo"  # noqa: S105 - of a stack that listens on this machine alone
PLAYED = "played"  # in the folder of the data, once the thirty days are in it
KNOWN = {
    "physicians-health-study": "Agresti: 0.0171 and 0.0094, difference 0.0077 (0.0047 to 0.0107)",
    "lalonde-job-training": "Dehejia and Wahba: training is worth 1,794 dollars",
    "shop": "made so that one_page sells more, most of all in the US",
    "shop-mismatch": "made so that express loses users: no verdict may follow",
}
SHOWN = """
  delivery-date      won, and shipped to everybody
  newsletter-popup   ended: any gain is too small to matter
  holdout            runs: a tenth of the visitors stays out of what names it
  one-page-checkout  runs, in 70% of the layer checkout
  guest-checkout     runs in the rest of that layer, among those not held out
  larger-pictures    paused by its guard: more is sent back
  new-home-page      runs, and loses users: its split is off
  basket-reminder    a draft with its plan
"""


class Stack(NamedTuple):
    """Where the platform answers, and who may ask."""

    base_url: str
    username: str
    password: str


def main() -> int:
    """Run the demonstration."""
    parser = argparse.ArgumentParser(
        description="Starts the platform with a shop that has been experimenting for thirty days.",
        epilog="The environment: PORT, DATA, RESET=1; or BASE_URL and its ADMIN_USERNAME, ADMIN_PASSWORD.",
    )
    parser.add_argument("--trials", action="store_true", help="replay the famous trials through the API too")
    parser.add_argument("--users", type=int, default=USERS, help=f"of the trials' shop; default: {USERS}")
    parser.add_argument("--exit", action="store_true", help="stop the local stack at the end")
    chosen = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        with _stack() as (stack, process):
            if process is None or chosen.trials:
                _replay_trials(stack, chosen.users)
            if process is not None:
                _say(SHOWN)
            _say(f"look at it: {stack.base_url}  username={stack.username}  password={stack.password}")
            if process is not None and not chosen.exit:
                _say("Ctrl-C stops it")
                process.wait()
    except KeyboardInterrupt:
        pass
    return 0


def _replay_trials(stack: Stack, users: int) -> None:
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
    folder = Path(os.environ.get("DATA") or DATA / "demo")
    _play(folder)
    environment = {"ADMIN_PASSWORD": PASSWORD, **os.environ, "DATA": str(folder), "RESET": ""}
    process = subprocess.Popen(
        [sys.executable, "-m", "local"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        process_group=0,  # Ctrl-C is for us: we stop the stack when we have done with it
    )
    try:
        yield _ready(process), process
    finally:
        process.send_signal(signal.SIGINT)
        process.wait()


def _play(folder: Path) -> None:
    """Fill the folder with the thirty days, unless they are there."""
    played = folder / PLAYED
    if played.exists() and os.environ.get("RESET") != "1":
        return
    played.unlink(missing_ok=True)
    _say("the shop lives through its thirty days; this takes a minute or two")
    service = {"POWERTOOLS_SERVICE_NAME": "demo", "POWERTOOLS_METRICS_NAMESPACE": "Experimentation"}
    subprocess.run(
        [sys.executable, "-m", "tools.demo.play", str(folder)],
        cwd=ROOT,
        env={**os.environ, **service, "PYTHONPATH": str(LAYER)},
        stdout=subprocess.DEVNULL,  # metrics, a line for each hundred users
        check=True,
    )
    played.touch()


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
