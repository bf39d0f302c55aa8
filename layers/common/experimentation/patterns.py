"""Regular expressions of audiences, run by RE2: its time grows with the text, whatever the pattern."""

from functools import lru_cache
from typing import Any

MOST_BYTES = 1 << 20  # of a compiled pattern and a search's cache: an eighth of RE2's own limit


def search(pattern: str, text: str) -> bool:
    """Tell whether the pattern is found in the text, as Python's `re` would."""
    compiled = _compiled(pattern)
    # In `re`, $ is also before a newline that ends the text.
    return bool(compiled.search(text)) or (text.endswith("\n") and bool(compiled.search(text[:-1])))


def fault(pattern: str) -> str | None:
    """Return why the pattern may not be used, None when it may."""
    import re2  # noqa: PLC0415 - most conditions have no pattern

    from experimentation.domain.audience import pattern as portable  # noqa: PLC0415 - for definitions alone

    found = portable.fault(pattern)
    if found is not None:
        return found
    try:
        _compiled(pattern)
    except re2.error as error:
        (reason,) = error.args
        return f"cannot be run: {reason.decode() if isinstance(reason, bytes) else reason}"
    return None


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> Any:
    import re2  # noqa: PLC0415 - most conditions have no pattern

    options = re2.Options()
    options.max_mem = MOST_BYTES
    options.log_errors = False
    return re2.compile(pattern, options)
