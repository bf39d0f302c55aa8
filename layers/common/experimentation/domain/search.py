"""Which experiments a list shows, and in which order."""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from experimentation.domain.experiment import Status

ORDERED_BY = 100  # characters of a name


class Sort(StrEnum):
    """What a list is ordered by; with a minus the largest or latest comes first."""

    NEWEST = "-created_at"
    OLDEST = "created_at"
    NAME = "name"
    NAME_DESCENDING = "-name"
    UPDATED = "updated_at"
    LAST_UPDATED = "-updated_at"
    STARTED = "started_at"
    LAST_STARTED = "-started_at"

    @property
    def descends(self) -> bool:
        """Whether the largest or latest comes first."""
        return self.startswith("-")

    def key(self, summary: Mapping[str, object]) -> str:
        """Return the text that orders an experiment in the list; one that never started comes first."""
        return str(summary[self.removeprefix("-")] or "").casefold()[:ORDERED_BY]


class Wanted(NamedTuple):
    """A search: all of it must hold, and every word of `q` be in the id, the name, the owner or a tag."""

    status: Status | None = None
    q: str = ""
    tag: str | None = None
    owner: str | None = None
    archived: bool = False

    def matches(self, summary: Mapping[str, object]) -> bool:
        """Tell whether an experiment with this summary is found."""
        tags = summary.get("tags", [])
        if not isinstance(tags, list):
            raise TypeError("tags are a list")
        if self.status not in {None, summary["status"]} or self.tag not in {None, *tags}:
            return False
        owner = summary.get("owner", "")
        if self.owner not in {None, owner} or self.archived is not summary.get("archived", False):
            return False
        text = " ".join(map(str, [summary["id"], summary["name"], owner, *tags])).casefold()
        return all(word in text for word in self.q.casefold().split())
