"""The folder that a local stack keeps its data in: one stack at a time, its password, its logs."""

import fcntl
import os
import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TextIO

PARTS = ("state", "s3", "password", "functions.log", "emulator.log", "env")


class DataError(Exception):
    """The folder cannot be used; says why."""


class Data:
    """A locked data folder."""

    def __init__(self, folder: Path, *, reset: bool) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        os.umask(
            0o077
        )  # what this process and its children write from here on: passwords, secrets, everybody's data
        for path in folder.iterdir():  # of a run before that
            path.chmod(path.stat().st_mode & 0o700)
        self.folder = folder
        self._lock: TextIO = (folder / "lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DataError(f"another local stack is using {folder}; stop it first") from None
        if reset:
            self._clear()
        self.functions_log.write_bytes(b"")

    @property
    def functions_log(self) -> Path:
        """What the functions print: JSON lines, metrics, tracebacks; this run's only."""
        return self.folder / "functions.log"

    def _clear(self) -> None:
        with (self.folder / "state.lock").open("w") as emulator:
            fcntl.flock(emulator, fcntl.LOCK_EX)  # that of a killed stack may still be writing
        for part in PARTS:
            path = self.folder / part
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)

    def kept_password(self) -> str:
        """The administrator's password of the run before; empty when there was none."""
        path = self.folder / "password"
        return path.read_text().strip() if path.exists() else ""

    def keep_password(self, password: str) -> None:
        """Keep the administrator's password, readable by this user only."""
        self._write_private("password", password)

    def keep_environment(self, environment: Mapping[str, str]) -> None:
        """Keep what the functions see, for the operators' tools: `. .local/env` in a shell."""
        lines = (f"export {name}={shlex.quote(value)}" for name, value in sorted(environment.items()))
        self._write_private("env", "\n".join(lines))

    def _write_private(self, name: str, text: str) -> None:
        path = self.folder / name
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
            file.write(text + "\n")
