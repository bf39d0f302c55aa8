"""Send thousands of generated requests, good and hostile, to the local stack: no 5xx, no undocumented status.

Schemathesis makes them from /openapi.json; it needs an environment of its own (requirements-fuzz.txt).
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from local.paths import ROOT
from tests.e2e.conftest import RunningStack, start_stack, stop_stack

SCHEMATHESIS = ROOT / ".venv-fuzz" / "bin" / "schemathesis"
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
CASES_PER_OPERATION = 60  # of the fuzzing phase; the coverage phase adds some 60 of its own to each of 39
FEWEST_CASES = 2_000


def _generated(stack: RunningStack) -> int:
    """Run Schemathesis as the administrator and return its exit status."""
    command = [
        str(SCHEMATHESIS),
        "run",
        f"{stack.base_url}/openapi.json",
        *("--header", f"Authorization: Bearer {stack.token()}"),
        *("--checks", CHECKS),
        *("--phases", "examples,coverage,fuzzing"),
        *("--max-examples", str(CASES_PER_OPERATION)),
        *("--exclude-path", "/auth/revoke"),  # it would end the session that the run needs
        "--generation-with-security-parameters=false",  # or an invented API key hides everything behind 401
        "--continue-on-failure",
        "--no-color",
    ]
    return subprocess.run(command, check=False, cwd=stack.data).returncode


def main() -> int:
    """Run, and judge by the answers and by what the functions logged."""
    with tempfile.TemporaryDirectory() as folder:
        stack = start_stack(Path(folder))
        try:
            status = _generated(stack)
        finally:
            stop_stack(stack)
        statuses = [int(found) for found in re.findall(r'"status": ?(\d{3})', stack.functions_log())]
    faults = sum(status >= 500 for status in statuses)
    sys.stdout.write(f"{len(statuses)} requests answered, {faults} of them with 5xx\n")
    return status or int(faults > 0 or len(statuses) < FEWEST_CASES)


if __name__ == "__main__":
    sys.exit(main())
