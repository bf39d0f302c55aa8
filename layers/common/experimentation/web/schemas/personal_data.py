"""A person's data: everything that is stored about them, and the progress of its erasure."""

from typing import Any, Self

from pydantic import Field

from experimentation.domain.clock import rfc3339
from experimentation.domain.counting.erasing import Erasure, Stage
from experimentation.web.schemas.model import RequestModel, ResponseModel
from experimentation.web.schemas.stored_events import EventOut
from experimentation.web.schemas.types import Cursor, Limit, UserId


class PersonQuery(RequestModel):
    """Whose data."""

    user_id: UserId


class PersonalDataQuery(PersonQuery):
    """Whose data, and which page."""

    limit: Limit = 50
    cursor: Cursor | None = None


class ErasureAnswer(ResponseModel):
    """The progress of a person's erasure."""

    stage: Stage = Field(
        description="`assignments`, `counters`, `overrides`, `items`: what is being taken out of the tables; "
        "`archive`: the tables are done, the archive's objects are rewritten daily for 15 days; `done`."
    )
    erased_at: str = Field(description="What was received up to then is erased (RFC 3339, UTC).")
    steps: int = Field(description="Steps written so far, each a transaction.")

    @classmethod
    def of(cls, erasure: Erasure) -> Self:
        """Return the answer about an erasure."""
        return cls(stage=erasure.stage, erased_at=rfc3339(erasure.erased_at), steps=erasure.step)


class PersonalAssignment(ResponseModel):
    """One experiment that the person is or was in."""

    experiment_id: str
    variant: str = Field(description="The variant's key.")
    assigned_at: str = Field(description="Since when events count for it (RFC 3339, UTC).")
    ended_at: str | None = Field(
        description="Until when they count, once the end is in the ledger (RFC 3339, UTC); null before."
    )
    segments: list[str] = Field(description="The labels by which results are split: `key=value`.")
    context: dict[str, Any] | None = Field(
        description="What was sent with the assignment; null where the assignment itself is erased already."
    )
    imported: bool = Field(description="Whether it was made elsewhere and imported.")
    late: bool = Field(description="Whether it counts from later than was asked for.")


class PersonalCrossover(ResponseModel):
    """An experiment in which the person met another variant than their own."""

    experiment_id: str
    variant: str = Field(description="The key of the variant that they met.")
    at: str = Field(description="When they first met it (RFC 3339, UTC).")


class PersonalTotal(ResponseModel):
    """What the person did of one event type on one UTC day."""

    type: str = Field(description="The event type.")
    day: str | None = Field(
        description="The UTC day; null for all days of long ago together.",
        json_schema_extra={"format": "date"},
    )
    events: int = Field(description="How many events.")
    sum: float = Field(description="The sum of their values.")


class ArchivePlace(ResponseModel):
    """Where the archive has every event and exposure as lines of JSON, by day of receipt."""

    bucket: str = Field(description="The bucket's name.")
    prefixes: list[str] = Field(
        description="What the objects' keys begin with, before the day; docs/lake.md says how to search them."
    )


class PersonalData(ResponseModel):
    """Everything that is stored about a person; the first page alone has what comes before totals."""

    user_id: str
    last_event_at: str | None = Field(
        description="When their latest counted event happened (RFC 3339, UTC); null without any."
    )
    assignments: list[PersonalAssignment] = Field(description="Oldest first.")
    overrides: dict[str, str] = Field(description="Experiment id to the variant that an override sets.")
    crossovers: list[PersonalCrossover] = Field(description="Once per experiment; on the first page.")
    totals: list[PersonalTotal] = Field(description="What counts, by type and day; before the events.")
    events: list[EventOut] = Field(description="Stored events by event id.")
    archive: ArchivePlace = Field(description="What this answer does not show: the files.")
    erasure: ErasureAnswer | None = Field(description="Of this id; null where there was none lately.")
    next_cursor: str | None
