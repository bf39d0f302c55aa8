"""`python -m local` - run the whole platform on this machine."""

import argparse
import asyncio
import contextlib
import os
import secrets
import socket
import sys
from pathlib import Path

from local.code import built, sources
from local.data import Data, DataError
from local.emulator import EmulatorError
from local.paths import DATA
from local.stack import Stack


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m local",
        description="Runs the whole platform on 127.0.0.1, from template.yaml, until Ctrl-C.",
        epilog="The environment does the same: PORT, DATA, RESET=1, BUILT; and ADMIN_PASSWORD, which has no "
        "option because lists of processes show options.",
    )
    environment = os.environ
    parser.add_argument("--port", type=int, default=environment.get("PORT") or "3000", help="default: 3000")
    parser.add_argument(
        "--data",
        type=Path,
        default=environment.get("DATA") or DATA,
        help="folder of the data; default: .local",
    )
    parser.add_argument(
        "--reset",
        action="store_true",
        default=environment.get("RESET") == "1",
        help="start with empty data",
    )
    parser.add_argument(
        "--built",
        type=Path,
        default=environment.get("BUILT") or None,
        help="folder of built functions and layers to run (`make deployed`); default: the sources",
    )
    return parser.parse_args()


def _say(line: str) -> None:
    with contextlib.suppress(OSError):  # `make run > file` on a full disk
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


class PortError(Exception):
    """The port cannot be had; says why."""


def _listener(port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except (OSError, OverflowError) as error:
        listener.close()
        reason = getattr(error, "strerror", None) or error
        raise PortError(f"127.0.0.1:{port}: {reason}; PORT=... takes another") from None
    return listener


def _run(arguments: argparse.Namespace) -> None:
    with _listener(arguments.port) as listener:
        port = listener.getsockname()[1]
        data = Data(arguments.data.resolve(), reset=arguments.reset)
        password = os.environ.get("ADMIN_PASSWORD") or data.kept_password() or secrets.token_urlsafe(12)
        code = built(arguments.built.resolve()) if arguments.built else sources()
        stack = Stack(data, listener, _say, code)
        line = f"ready http://127.0.0.1:{port} username=admin password={password}"
        asyncio.run(stack.run(password, lambda: _say(line)))
        _say(f"stopped; the data is in {arguments.data}")


def _fail(reason: str) -> int:
    sys.stderr.write(f"error: {reason}\n")
    return 1


def main() -> int:
    """Run the stack; 0 when it was stopped, 1 with one line when it could not run."""
    arguments = _arguments()
    try:
        _run(arguments)
    except (DataError, EmulatorError, PortError, OSError) as error:
        return _fail(str(error))
    return 0


if __name__ == "__main__":
    sys.exit(main())
