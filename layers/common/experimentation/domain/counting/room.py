"""Whether one event of a user always fits a transaction, whenever it happened and however late it comes."""

from collections.abc import Iterator, Mapping, Sequence
from math import ceil

from experimentation.domain.clock import DAY_MS
from experimentation.domain.counting.counters import covariate_kinds
from experimentation.domain.counting.ledger import END, Boundary
from experimentation.domain.counting.writes import MAX_COUNTERS
from experimentation.domain.experiment import Experiment

MAX_COUNTERS_OWNED = 90  # of 100 actions; it leaves room for ledgers that leave HEAD
MAX_COUNTERS_PER_EVENT = 96  # the other four are HEAD, EVENT, METRIC and PAST
COUNTERS_PER_DAY = 2  # an event is multiplied with every other active day of the user: q and c
OTHER_COUNTERS = 10  # n, s, u, three pairs, own q and c, CUPED's products


def has_room(
    boundaries: Sequence[Boundary], experiments: Mapping[str, Experiment], now: int, oldest: int
) -> bool:
    """Tell whether the counters that one event can touch fit, for every interval between the boundaries.

    An event counts for the owners of its interval and, in CUPED's sums, for those that came later. Nothing
    is older than `oldest`; an experiment that is not among `experiments` is taken to have such sums.
    """
    # No event falls into an empty interval, or comes any more into one that ended before `oldest`.
    return all(start >= end or end < oldest for start, end in _too_full(boundaries, experiments, now))


def _too_full(
    boundaries: Sequence[Boundary], experiments: Mapping[str, Experiment], now: int
) -> Iterator[tuple[int, int]]:
    """Yield start and end of each interval in which the counters of one event fit no transaction."""
    items = {b.experiment_id: _items(b, now) for b in boundaries if b.variant != END}
    looks_back = {name: _has_covariates(experiments.get(name)) for name in items}
    owned, later = 0, sum(looks_back.values())
    ends = [*(boundary.at for boundary in boundaries[1:]), now + 1]
    for boundary, end in zip(boundaries, ends, strict=True):
        name = boundary.experiment_id
        if boundary.variant == END:
            owned -= items.get(name, 0)
        else:
            owned += items[name]
            later -= looks_back[name]
        if owned > MAX_COUNTERS_OWNED or owned + later > MAX_COUNTERS_PER_EVENT:
            yield boundary.at, end


def _items(boundary: Boundary, now: int) -> int:
    """Return how many counter items one event writes for this owner: days by segment, and the hours."""
    days = max(0, now - boundary.at) // DAY_MS + 2
    per_key = ceil((COUNTERS_PER_DAY * days + OTHER_COUNTERS) / MAX_COUNTERS)
    return 1 + (1 + len(boundary.labels)) * per_key


def _has_covariates(experiment: Experiment | None) -> bool:
    if experiment is None:
        return True
    return any(covariate_kinds(experiment, metric.event_type) for metric in experiment.metrics)
