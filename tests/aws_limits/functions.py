"""Says which limits of Lambda and API Gateway a function's invocations were past."""

import json
import re
from collections.abc import Iterable
from typing import Any

from tests.aws_limits.limits import FUNCTION_ANSWER_BYTES, FUNCTION_REQUEST_BYTES, FUNCTION_SECONDS

_SECONDS = re.compile(r" - \w+ ran for (\d+) s$")
_LONG = " - the answer is longer than 6 MB"


def invocation_violations(request: Any, answer: Any) -> list[str]:
    """Return a sentence for each payload of an invocation that is too large."""
    payloads = (("request", request, FUNCTION_REQUEST_BYTES), ("answer", answer, FUNCTION_ANSWER_BYTES))
    sizes = [(name, len(json.dumps(payload).encode()), most) for name, payload, most in payloads]
    return [f"the {name} has {size} bytes; at most {most}" for name, size, most in sizes if size > most]


def log_violations(lines: Iterable[str]) -> list[str]:
    """Return the lines of the local gateway's log that tell of a limit."""
    return [line for line in lines if line.rstrip().endswith(_LONG) or _took_too_long(line)]


def _took_too_long(line: str) -> bool:
    found = _SECONDS.search(line.rstrip())
    return found is not None and int(found[1]) >= FUNCTION_SECONDS
