"""Judging exposures: which one enrols its user, which are crossovers, and which count for nothing."""

import json
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from experimentation.domain.assignment import Context, Crossover
from experimentation.domain.audience import Search
from experimentation.domain.counting.counters import crossover_adds
from experimentation.domain.counting.enrolling import Enrolment, enrol
from experimentation.domain.counting.exposure import Exposure
from experimentation.domain.counting.placing import Placement, Times
from experimentation.domain.counting.recording import Ledger
from experimentation.domain.counting.user import StoredUser
from experimentation.domain.counting.writes import HeadWrite, Transaction
from experimentation.domain.drawing import draw, variant_of
from experimentation.domain.experiment import Experiment
from experimentation.domain.prerequisites import is_met


class Fate(StrEnum):
    """The result of an exposure."""

    ENROLLED = "enrolled"
    LATE = "late"
    KNOWN = "known"
    CROSSOVER = "crossover"
    OVERRIDDEN = "overridden"
    NOT_RUNNING = "not_running"
    TOO_OLD = "too_old"
    TOO_MANY = "too_many_experiments"
    PREREQUISITE = "prerequisite_not_met"
    UNKNOWN = "unknown"


FATES = {
    Placement.STORED: Fate.ENROLLED,
    Placement.LATE: Fate.LATE,
    Placement.TOO_OLD: Fate.TOO_OLD,
    Placement.NOT_RUNNING: Fate.NOT_RUNNING,
    Placement.TOO_MANY: Fate.TOO_MANY,
}

type Exposed = dict[str, dict[str, list[Exposure]]]
"""User id -> experiment id -> exposures in time order."""


class Judged(NamedTuple):
    """The result of one user's exposures in one experiment: their fates, or an action to be taken first."""

    settled: list[Fate]
    action: Enrolment | Crossover | None = None


def in_time_order(exposures: Iterable[Exposure]) -> Exposed:
    """Return the exposures of each user to each experiment, each once."""
    found: Exposed = {}
    for each in sorted(dict.fromkeys(exposures), key=lambda exposure: exposure.at):
        found.setdefault(each.user_id, {}).setdefault(each.experiment_id, []).append(each)
    return found


def judge(
    ledger: Ledger,
    experiments: Mapping[str, Experiment],
    exposures: Sequence[Exposure],
    oldest: int,
    search: Search,
) -> Judged:
    """Judge one user's exposures in one experiment: the earliest that can count decides.

    Nothing older than `oldest` is counted any more, and nothing that was received before an erasure. The
    variant must be the stored one, or else the drawn one; the audience is checked if a context was sent. An
    enrolment comes before a crossover.
    """
    settled: set[tuple[str, Fate]] = set()
    crossovers: list[Crossover] = []
    for each in exposures:
        found = _judged(ledger, experiments, each, oldest, search)
        if isinstance(found, Enrolment):
            return Judged([], found)
        if isinstance(found, Crossover):
            crossovers.append(found)
        else:
            settled.add((each.variant, found))
    return Judged([], crossovers[0]) if crossovers else Judged([fate for _, fate in settled])


def _judged(
    ledger: Ledger, experiments: Mapping[str, Experiment], exposure: Exposure, oldest: int, search: Search
) -> Fate | Enrolment | Crossover:
    user_id, variant, at = exposure.user_id, exposure.variant, exposure.at
    experiment = experiments.get(exposure.experiment_id)
    if experiment is None or variant not in experiment.keys:
        return Fate.UNKNOWN
    fate = _discounted(experiment, exposure, since=max(oldest, ledger.head.erased_at + 1))
    if fate is not None:
        return fate
    stored = ledger.assignment(experiment.id)
    if stored is None and not _meets(ledger, experiment, experiments, at):
        return Fate.PREREQUISITE
    context = json.loads(exposure.context)
    own = stored.variant if stored else _drawn(experiment, user_id, context, search)
    if variant != own:
        return Crossover(experiment.id, user_id, variant, at)
    return Enrolment(experiment, variant, context, at) if stored is None else Fate.KNOWN


def _discounted(experiment: Experiment, exposure: Exposure, since: int) -> Fate | None:
    """Return why an exposure counts for nothing, whatever is known of the user; None where it may count."""
    if exposure.user_id in experiment.overrides:
        return Fate.OVERRIDDEN
    if not experiment.was_running(exposure.at):
        return Fate.NOT_RUNNING
    return Fate.TOO_OLD if exposure.at < since else None


def _meets(ledger: Ledger, experiment: Experiment, experiments: Mapping[str, Experiment], at: int) -> bool:
    """Tell whether the user had, by then, one of the prerequisite's variants that the experiment asks for."""
    if experiment.prerequisite is None:
        return True
    name = experiment.prerequisite.experiment_id
    stored = ledger.assignment(name)
    variant = stored.variant if stored is not None and stored.at <= at else None
    return is_met(experiment, experiments.get(name), variant)


def _drawn(experiment: Experiment, user_id: str, context: Context, search: Search) -> str | None:
    return draw(experiment, user_id, context, search)[0] if context else variant_of(experiment, user_id)


def cross_over(
    user: StoredUser,
    experiment: Experiment,
    crossover: Crossover,
    experiments: Mapping[str, Experiment],
    times: Times,
) -> tuple[Fate, Transaction | None]:
    """Return the fate of a crossover, and the transaction that counts it once; HEAD stays as it is.

    A user who could not be enrolled for lack of room was told no variant, so no variant was another one.
    """
    drawn = variant_of(experiment, user.user_id)
    if user.ledger.assignment(experiment.id) is None and drawn is not None:
        wanted = Enrolment(experiment, drawn, {})
        if enrol(user, [wanted], experiments, times.now, times.oldest).too_many:
            return Fate.TOO_MANY, None
    # HEAD unchanged, but on its condition: a user who is enrolled meanwhile may have met their own variant.
    head = HeadWrite(user.user_id, user.head.version, user.head)
    return Fate.CROSSOVER, Transaction((head, crossover), enrolments=crossover_adds(experiment, crossover))
