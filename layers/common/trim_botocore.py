"""Drops from botocore's data what no function reads: other services, and the text of the documentation.

python3.13 trim_botocore.py BOTOCORE SERVICE...

A client's first use parses its service's description and the table of all endpoints: a fifth of what a bare
client's start costs goes with them.
"""

import gzip
import json
import shutil
import sys
from pathlib import Path


def without_documentation(value: object) -> object:
    """Return the same without any member called `documentation` that is text.

    >>> without_documentation({"documentation": "<p>", "members": [{"documentation": "x", "shape": "S"}]})
    {'members': [{'shape': 'S'}]}
    """
    if isinstance(value, dict):
        kept = {k: v for k, v in value.items() if k != "documentation" or not isinstance(v, str)}
        return {k: without_documentation(v) for k, v in kept.items()}
    if isinstance(value, list):
        return [without_documentation(each) for each in value]
    return value


def trim(data: Path, services: set[str]) -> None:
    """Trim botocore's folder `data`, keeping these services."""
    for folder in data.iterdir():
        if folder.is_dir() and folder.name not in services:
            shutil.rmtree(folder)
    for packed in data.glob("*/*/service-2.json.gz"):
        description = json.loads(gzip.decompress(packed.read_bytes()))
        # botocore demands the documentation of other parts, such as S3's clientContextParams
        for part in ("operations", "shapes"):
            description[part] = without_documentation(description[part])
        packed.with_suffix("").write_text(_compact(description))
        packed.unlink()
    endpoints = json.loads((data / "endpoints.json").read_text())
    for partition in endpoints["partitions"]:
        partition["services"] = {k: v for k, v in partition["services"].items() if k in services}
    (data / "endpoints.json").write_text(_compact(endpoints))


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


if __name__ == "__main__":
    trim(Path(sys.argv[1]) / "data", set(sys.argv[2:]))
