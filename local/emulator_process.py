"""Runs the emulator in its own environment, and ends it in order when its parent is gone."""

import fcntl
import os
import runpy
import signal
import sys
import threading
from pathlib import Path


def _end_with_the_parent() -> None:
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)


def main() -> None:
    """Wait until no other emulator has this data, then run ministack until stdin is closed."""
    lock = Path(os.environ["STATE_DIR"]).with_suffix(".lock").open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    runpy.run_module("ministack", run_name="__main__")


if __name__ == "__main__":
    main()
