"""An id made from a name, for experiments whose creator did not choose one."""

import re
import unicodedata

LONGEST = 64


def slug(name: str, suffix: str) -> str:
    """Return an experiment id that people can read and that `suffix` makes unique.

    >>> slug("Größerer Knopf!", "3f9a")
    'groerer-knopf-3f9a'
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9]+", "-", plain)[: LONGEST - len(suffix) - 1].strip("-")
    return f"{words or 'experiment'}-{suffix}"
