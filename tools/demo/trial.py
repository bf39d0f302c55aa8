"""What a trial is made of: the experiment, who was assigned when, and what everyone did."""

from collections.abc import Mapping
from typing import NamedTuple

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
UNIT = 10_000  # values are whole numbers of 1e-4


class Assigned(NamedTuple):
    """One assignment made elsewhere; times are milliseconds since 1970."""

    user_id: str
    variant: str
    at: int
    context: Mapping[str, str]


class Happened(NamedTuple):
    """One event; its id is made of the trial's content, so that a second replay counts nothing twice."""

    event_id: str
    user_id: str
    type: str
    at: int
    value: int = UNIT


class Trial(NamedTuple):
    """A trial; `before` holds the events from before the users' assignments, `events` those from after."""

    title: str
    definition: dict[str, object]
    before: list[Happened]
    assignments: list[Assigned]
    events: list[Happened]
