"""The question that a reader of results may ask."""

from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from experimentation.web.schemas.model import RequestModel
from experimentation.web.schemas.types import SegmentKey

MAX_EVENT_TYPES = 10
MAX_EXPERIMENTS = 20  # each reads its counters: more would outlast what a page waits for
EPOCH_ORDINAL = date(1970, 1, 1).toordinal()

_TYPE = r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}"


def _day_number(value: object) -> int:
    """Return the days since 1970-01-01 of a date written YYYY-MM-DD."""
    if not isinstance(value, str) or len(value) != len("2026-11-22"):
        raise ValueError("must be a UTC day, like 2026-11-22")
    try:
        return date.fromisoformat(value).toordinal() - EPOCH_ORDINAL
    except ValueError:
        raise ValueError("must be a UTC day, like 2026-11-22") from None


def _few(types: str) -> str:
    if types.count(",") >= MAX_EVENT_TYPES:
        raise ValueError(f"may name at most {MAX_EVENT_TYPES} event types")
    return types


def _few_experiments(ids: str) -> str:
    if ids.count(",") >= MAX_EXPERIMENTS:
        raise ValueError(f"may name at most {MAX_EXPERIMENTS} experiments")
    return ids


Day = Annotated[int, BeforeValidator(_day_number, json_schema_input_type=date)]
EventTypes = Annotated[
    str, StringConstraints(pattern=rf"^{_TYPE}(,{_TYPE})*$", max_length=1_000), AfterValidator(_few)
]

_ID = r"[a-z0-9][a-z0-9._-]{0,63}"
ExperimentIds = Annotated[
    str,
    StringConstraints(pattern=rf"^{_ID}(,{_ID})*$", max_length=2_000),
    AfterValidator(_few_experiments),
]


class HeadlinesQuery(RequestModel):
    """Which experiments to show."""

    experiment_ids: ExperimentIds


class ResultsQuery(RequestModel):
    """What to show, and of whom; the default is the decision on the whole experiment."""

    format: Literal["summary", "full", "metrics_only"] = "full"
    event_types: EventTypes | None = None
    start_date: Day | None = None
    end_date: Day | None = None
    segment: SegmentKey | None = None
    include_time_series: bool = False
    granularity: Literal["hour", "day", "week"] = "day"
    confidence_level: Annotated[float, Field(ge=0.5, le=0.999)] = 0.95
    correction: Literal["holm", "bh", "none"] = "holm"
