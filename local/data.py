"""The folder that a local stack keeps its data in: one stack at a time, its password, its logs."""

import fcntl
import os
import secrets
import shutil
from pathlib import Path
from typing import TextIO

PARTS = ("state", "s3", "password", "functions.log", "emulator.log")


class DataError(Exception):
    """The folder cannot be used; says why."""


class Data:
    """A locked data folder."""

    def __init__(self, folder: Path, *, reset: bool) -> None:
        folder.mkdir(parents=True, exist_ok=True)
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
        for part in PARTS:
            path = self.folder / part
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)

    def admin_password(self, chosen: str | None) -> str:
        """The administrator's password: the chosen one, or the one kept with the data, or a new one."""
        path = self.folder / "password"
        kept = path.read_text().strip() if path.exists() else ""
        password = chosen or kept or secrets.token_urlsafe(12)
        if password != kept:
            path.unlink(missing_ok=True)
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
                file.write(password + "\n")
        return password
