"""The order of version numbers, as GrowthBook's SDKs have it."""

import re

_SEPARATOR = re.compile(r"[-.]")


def version_order(version: str) -> str:
    """Return a text that sorts like the version: 1.10.0 after 1.9.0, and 1.0.0 after 1.0.0-beta.

    A leading v and build metadata (what follows a +) do not count.

    >>> version_order("v1.9.0") < version_order("1.10.0-beta+build7") < version_order("1.10.0")
    True
    """
    parts = _SEPARATOR.split((version or "0").removeprefix("v").partition("+")[0])
    if len(parts) == 3:
        parts.append("~")  # the last of ASCII: a release comes after its previews
    return "-".join(part.rjust(5) if part.isdigit() else part for part in parts)
