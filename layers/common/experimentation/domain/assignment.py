"""An assignment: which variant a user has in an experiment, since when, and why an answer says so."""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from experimentation.domain.experiment import Experiment

type Context = Mapping[str, str | int | float | bool]


class Reason(StrEnum):
    """Why a user has the variant, or none."""

    ASSIGNED = "assigned"
    DRAWN = "drawn"
    STORED = "stored"
    OVERRIDE = "override"
    SHIPPED = "shipped"
    NOT_IN_TRAFFIC = "not_in_traffic"
    NOT_IN_AUDIENCE = "not_in_audience"
    PREREQUISITE = "prerequisite_not_met"
    NOT_RUNNING = "not_running"
    TOO_MANY = "too_many_experiments"


class Decision(NamedTuple):
    """The answer for one user and experiment; `variant` is None for a user who gets none.

    A shipped variant, which everybody gets, does not enrol the user. Nor does a drawn one: an experiment that
    counts from exposure waits for a client's report that the user met it.
    """

    experiment: Experiment
    user_id: str
    variant: str | None
    assigned_at: int | None
    reason: Reason

    @property
    def enrolled(self) -> bool:
        """Tell whether the user takes part in the experiment."""
        return self.variant is not None and self.reason not in {Reason.SHIPPED, Reason.DRAWN}


class Assignment(NamedTuple):
    """A stored assignment; `assigned_at` in milliseconds."""

    experiment_id: str
    user_id: str
    variant: str
    assigned_at: int
    context: Context
    imported: bool = False
    late: bool = False
    """Enrolled after the given time, because the events since then did not fit one transaction."""


class Crossover(NamedTuple):
    """A user who met another variant than the stored or the drawn one; `at` (milliseconds) is when."""

    experiment_id: str
    user_id: str
    variant: str
    at: int
