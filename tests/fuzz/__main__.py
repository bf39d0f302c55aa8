"""Send thousands of generated requests, good and hostile, to the local stack: no 5xx, no undocumented status.

Schemathesis makes them from /openapi.json; it needs an environment of its own (requirements/fuzz.txt).
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
CASES_PER_OPERATION = 60  # of the fuzzing phase; the coverage phase adds some 60 of its own to each
FEWEST_CASES = 4_000
MOST_UNAUTHENTICATED = 0.1  # more, and the run has lost its session
LAST = ("/users", "/accounts/{username}")  # they take away what others need: people, and the login


def _generated(stack: RunningStack, token: str, *chosen: str) -> int:
    """Run Schemathesis over the chosen operations with the token; return its exit status."""
    command = [
        str(SCHEMATHESIS),
        "run",
        f"{stack.base_url}/openapi.json",
        *("--header", f"Authorization: Bearer {token}"),
        *("--checks", CHECKS),
        *("--phases", "examples,coverage,fuzzing"),
        *("--max-examples", str(CASES_PER_OPERATION)),
        *chosen,
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
            # What would end the session that the run needs is left out.
            left_out = [part for path in ("/auth/revoke", *LAST) for part in ("--exclude-path", path)]
            status = _generated(stack, stack.token(), *left_out)
            for path in LAST:  # with a login of its own: changes of people want one of the last ten minutes
                status |= _generated(stack, stack.token(), "--include-path", path)
        finally:
            stop_stack(stack)
        statuses = [int(found) for found in re.findall(r'"status": ?(\d{3})', stack.functions_log())]
    faults = sum(status >= 500 for status in statuses)
    unknown = statuses.count(401)
    sys.stdout.write(f"{len(statuses)} requests answered, {faults} of them with 5xx, {unknown} with 401\n")
    too_few = len(statuses) - unknown < FEWEST_CASES or unknown > MOST_UNAUTHENTICATED * len(statuses)
    return status or int(faults > 0 or too_few)


if __name__ == "__main__":
    sys.exit(main())
