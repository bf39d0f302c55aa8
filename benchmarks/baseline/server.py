"""Serve the baseline on 127.0.0.1, as it would be deployed: `python -m benchmarks.baseline.server "
"FILE PORT`."""

import sys
from pathlib import Path

import uvicorn

from benchmarks.baseline.app import build
from benchmarks.baseline.tables import Database

if __name__ == "__main__":
    app = build(Database(Path(sys.argv[1])))
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=int(sys.argv[2]),
        log_level="warning",
        access_log=False,
        timeout_keep_alive=120,  # the measurement pauses between its rounds
    )
