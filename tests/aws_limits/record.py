"""Keeps what went past a limit until the test is over; in a file, because emulators are other processes."""

import os
import tempfile
from pathlib import Path

FILE = "EMULATOR_VIOLATIONS"


class Record:
    """The violations of this test process and of everything that it starts."""

    def __init__(self) -> None:
        descriptor, name = tempfile.mkstemp(prefix="aws-limits-")
        os.close(descriptor)
        self._path, self._seen = Path(name), 0
        os.environ[FILE] = name

    def taken(self) -> list[str]:
        """Return what was noted since this was asked last."""
        lines = self._path.read_text().splitlines()
        fresh, self._seen = lines[self._seen :], len(lines)
        return fresh

    def close(self) -> None:
        """Remove the file."""
        self._path.unlink(missing_ok=True)


def note(violation: str) -> None:
    """Let the test that is running fail, whatever becomes of the call."""
    with Path(os.environ[FILE]).open("a") as file:
        file.write(violation.replace("\n", " ") + "\n")
