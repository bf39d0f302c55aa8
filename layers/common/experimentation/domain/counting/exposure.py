"""An exposure: a client that decides by itself reports that a user met a variant."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from experimentation.domain.counting.event import happened_at, too_old
from experimentation.domain.counting.retention import Retention
from experimentation.domain.errors import FieldError, InvalidError
from experimentation.domain.experiment import Experiment


class ExposureSubmission(NamedTuple):
    """An exposure as a client sends it; times in milliseconds, context as JSON text."""

    experiment_id: str
    user_id: str
    variant: str
    timestamp: int | None = None
    sent_at: int | None = None
    context: str = "{}"


class Exposure(NamedTuple):
    """An accepted exposure: `at` is when it happened, never later than `received`; `context` is JSON text."""

    experiment_id: str
    user_id: str
    variant: str
    at: int
    received: int
    context: str = "{}"


def accept(
    submissions: Sequence[ExposureSubmission],
    received: int,
    retention: Retention,
    experiments: Mapping[str, Experiment],
) -> list[Exposure]:
    """Return the exposures; InvalidError names each that is too old, or to no variant that has started."""
    oldest = retention.oldest_accepted(received)
    problems: list[FieldError] = []
    exposures: list[Exposure] = []
    for index, each in enumerate(submissions):
        at = happened_at(each.timestamp, each.sent_at, received)
        experiment = experiments.get(each.experiment_id)
        if at < oldest:
            problems.append(FieldError(f"/exposures/{index}/timestamp", too_old(retention, received)))
        if experiment is None:
            problems.append(FieldError(f"/exposures/{index}/experiment_id", "there is no such experiment"))
        elif experiment.started_at is None:
            problems.append(FieldError(f"/exposures/{index}/experiment_id", "has not started"))
        elif each.variant not in experiment.keys:
            problems.append(FieldError(f"/exposures/{index}/variant", "is not a variant of the experiment"))
        exposures.append(Exposure(each.experiment_id, each.user_id, each.variant, at, received, each.context))
    if problems:
        raise InvalidError("The exposures cannot be accepted.", problems)
    return exposures
