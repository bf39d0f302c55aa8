"""The number of the data's schema: an item of another one is refused, with what to do."""

from collections.abc import Mapping
from typing import Any

from experimentation.domain.errors import ConfigurationError

SCHEMA = 2
MARK = {"schema": {"N": str(SCHEMA)}}


def require(item: Mapping[str, Any]) -> None:
    """Raise ConfigurationError when the item was written by a version that keeps its data otherwise."""
    found = int(item.get("schema", {"N": "0"})["N"])
    if found != SCHEMA:
        raise ConfigurationError(
            f"the table holds data of schema {found}, this version reads {SCHEMA}: deploy the version that "
            "wrote it, or follow docs/operations.md, upgrade"
        )
