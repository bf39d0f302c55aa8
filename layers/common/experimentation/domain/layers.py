"""Claims on ranges of a layer: no two experiments that take users share any of them."""

from collections.abc import Iterable
from typing import NamedTuple

from experimentation.domain.errors import ConflictError, FieldError
from experimentation.domain.experiment import Experiment
from experimentation.domain.percent import percent

MOST_CLAIMS = 1_000  # of one layer: some 100 KB of an item's 400


class Claim(NamedTuple):
    """The buckets `start <= bucket < end` of one experiment; held until `until` (ms) once it has ended."""

    experiment_id: str
    start: int
    end: int
    until: int | None = None


def live(claims: Iterable[Claim], now: int) -> tuple[Claim, ...]:
    """Return the claims that hold at `now`, in the order of their ranges."""
    return tuple(sorted((c for c in claims if c.until is None or c.until > now), key=lambda c: c.start))


def claimed(claims: Iterable[Claim], experiment: Experiment, now: int) -> tuple[Claim, ...]:
    """Return the layer's claims with the experiment's own; ConflictError names the one that it overlaps.

    A range is free again at `ended_at`: before it some environment may still enrol users.
    """
    others = released(claims, experiment.id, now)
    layer = experiment.layer
    if layer is None:
        return others
    for other in others:
        if layer.start < other.end and other.start < layer.end:
            taken = f"{percent(other.start)} to {percent(other.end)}"
            raise ConflictError(
                f"The range overlaps that of {other.experiment_id} in the layer {layer.key}.",
                [FieldError("/layer", f"{other.experiment_id} has {taken}")],
            )
    if len(others) == MOST_CLAIMS:
        raise ConflictError(f"The layer {layer.key} has {MOST_CLAIMS} experiments, and takes no more.")
    return live([*others, Claim(experiment.id, layer.start, layer.end, experiment.ended_at)], now)


def released(claims: Iterable[Claim], experiment_id: str, now: int) -> tuple[Claim, ...]:
    """Return the claims of other experiments that hold at `now`."""
    return tuple(claim for claim in live(claims, now) if claim.experiment_id != experiment_id)


def gaps(claims: Iterable[Claim], whole: int) -> list[tuple[int, int]]:
    """Return the ranges that no claim covers; the claims must be in order.

    >>> gaps([Claim("a", 0, 20), Claim("b", 50, 100)], 100)
    [(20, 50)]
    """
    free, start = [], 0
    for claim in claims:
        if start < claim.start:
            free.append((start, claim.start))
        start = claim.end
    return [*free, (start, whole)] if start < whole else free
