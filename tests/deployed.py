"""The functions and layers as they are deployed, built where their sources have changed."""

import fcntl
import subprocess

from local.paths import ROOT

DEPLOYED = ROOT / "build" / "deployed"


def build() -> None:
    """Build what is out of date; test processes that run at once wait for one another."""
    DEPLOYED.parent.mkdir(exist_ok=True)
    with (ROOT / "build" / ".deployed.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        subprocess.run(["make", "-s", "deployed"], cwd=ROOT, check=True)
