"""Experiments: create, read, change and list them; each write is one transaction with its history."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from enum import Enum, auto
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from experimentation import settings
from experimentation.domain.clock import rfc3339
from experimentation.domain.errors import (
    ConflictError,
    FieldError,
    InvalidError,
    NotFoundError,
    UnavailableError,
)
from experimentation.domain.experiment import Experiment, Status
from experimentation.domain.search import Sort, Wanted
from experimentation.storage import experiment_items as items
from experimentation.storage.aws import pauses
from experimentation.storage.aws.batch_read import read_items
from experimentation.storage.aws.client import dynamodb
from experimentation.storage.aws.failures import translated
from experimentation.storage.aws.paged_query import every_item, in_partition
from experimentation.storage.aws.transactions import CONDITION_FAILED, Action, CancelledError, Item, commit

if TYPE_CHECKING:
    from experimentation.domain.facts import Cause

# What only a change needs is imported where it is used: functions that assign just read.
MAX_TRIES = 8
PASSING = frozenset({"None", "TransactionConflict", "ProvisionedThroughputExceeded", "ThrottlingError"})
MOST_SORTED = 5_000  # some 3 MB of summaries in memory
FILTERED_PAGE = 500  # some 200 KB: well under the 1 MB at which DynamoDB ends a page itself


class Outcome(Enum):
    """The outcome of a transaction: written, refused by a newer version, or worth another attempt."""

    WRITTEN = auto()
    STALE = auto()
    AGAIN = auto()


class Page(NamedTuple):
    """Some experiments as the list shows them, newest first, and where the next page starts."""

    summaries: list[dict[str, object]]
    next_start: str | None


class SortedPage(NamedTuple):
    """Some experiments in the requested order, and the last one's place if more follow."""

    summaries: list[dict[str, object]]
    last: tuple[str, str] | None


class Listed(NamedTuple):
    """What the list knows of an experiment without reading it."""

    status: Status
    shipped: bool


type _Place = tuple[str, str]
"""What a sorted list is ordered by: the sort key, then the position in the list by age."""


class _Row(NamedTuple):
    """An experiment in the list, newest first, and its position there."""

    position: str
    summary: dict[str, object]


type Checks = Callable[[Experiment | None, Experiment], Iterable[Action]]
"""Returns what a change needs checked beside its own, from the experiment before (None: new) and after."""


def _no_checks(_before: Experiment | None, _after: Experiment) -> Iterable[Action]:
    return ()


def create(experiment: Experiment, actor: str, checks: Checks = _no_checks, reason: str = "") -> None:
    """Store a new experiment; ConflictError when its id is taken. The history has the reason."""
    from experimentation.storage import history, layers  # noqa: PLC0415 - rare

    entry = history.Entry(experiment.created_at, experiment.version, actor, "created", reason=reason)
    actions = [items.create(experiment), items.listing(experiment), history.append(experiment.id, entry)]
    for attempt in range(MAX_TRIES):
        pauses.pause(attempt)
        outcome = _try(
            actions, [*layers.writes(None, experiment, experiment.created_at), *checks(None, experiment)]
        )
        if outcome is Outcome.STALE:
            raise ConflictError(f"There is already an experiment {experiment.id}.")
        if outcome is Outcome.WRITTEN:
            return
    raise UnavailableError("Too many changes to this experiment at once; try again.")


def read(experiment_id: str, consistent: bool = False) -> Experiment:
    """Return the experiment; NotFoundError when there is none."""
    with translated():
        answer = dynamodb().get_item(
            TableName=settings.data_table(), Key=items.meta_key(experiment_id), ConsistentRead=consistent
        )
    if "Item" not in answer:
        raise NotFoundError(f"There is no experiment {experiment_id}.")
    return items.from_meta(answer["Item"])


def read_many(experiment_ids: Iterable[str]) -> dict[str, Experiment]:
    """Return those of the experiments that exist, by id, as of now (consistent reads)."""
    keys = [items.meta_key(experiment_id) for experiment_id in dict.fromkeys(experiment_ids)]
    found = [items.from_meta(item) for item in read_items(keys)]
    return {experiment.id: experiment for experiment in found}


def change(
    experiment_id: str,
    apply: Callable[[Experiment], Experiment],
    *,
    now: int,
    actor: str,
    action: str = "changed",
    checks: Checks = _no_checks,
) -> Experiment:
    """Store a change that an actor requested, as `change_because` does."""
    from experimentation.domain.facts import Cause  # noqa: PLC0415 - rare

    return change_because(experiment_id, apply, now=now, cause=Cause(actor, action), checks=checks)


def change_because(
    experiment_id: str,
    apply: Callable[[Experiment], Experiment],
    *,
    now: int,
    cause: "Cause",
    told: Callable[[Experiment], Iterable[Action]] = lambda _: (),
    shown: Callable[[Experiment], Experiment] = lambda experiment: experiment,
    checks: Checks = _no_checks,
) -> Experiment:
    """Store what `apply` makes of the experiment and return it, in the next version.

    Its history entry, its facts and the actions that `told` returns for the result are written with it.
    Nothing is written when `apply` changes nothing. A change that lost a race is applied again to the winner,
    so neither is lost; `apply` may raise to prevent that. The history has what `shown` leaves.
    """
    from experimentation.domain.changes import differences  # noqa: PLC0415 - rare
    from experimentation.domain.facts import facts_of  # noqa: PLC0415 - rare
    from experimentation.storage import history, layers, outbox  # noqa: PLC0415 - rare

    for before in _attempts(experiment_id):
        wanted = apply(before)
        if wanted == before:
            return before
        after = replace(wanted, version=before.version + 1, updated_at=now)
        changes = differences(shown(before), shown(after))
        entry = history.Entry(now, after.version, cause.actor, cause.action, changes, *cause[2:])
        actions = [items.update(after, before), items.listing(after), history.append(experiment_id, entry)]
        actions += [put for fact in facts_of(before, after, now, cause) for put in outbox.put(fact)]
        actions += told(after)
        guards = [*layers.writes(before, after, now), *checks(before, after)]
        # One attempt: after a conflict `apply` runs again, as its result may depend on the time of the write.
        if _try(actions, guards) is Outcome.WRITTEN:
            return after
    raise UnavailableError("Too many changes to this experiment at once; try again.")


def delete(
    experiment_id: str,
    permit: Callable[[Experiment], None],
    *,
    now: int,
    actor: str,
) -> None:
    """Delete the experiment, unless `permit` raises; its history stays and ends with who deleted it."""
    from experimentation.storage import history, layers  # noqa: PLC0415 - rare

    for before in _attempts(experiment_id):
        permit(before)
        entry = history.Entry(now, before.version + 1, actor, "deleted")
        actions = [items.delete(before), items.unlisting(before), items.deleted(experiment_id)]
        actions.append(history.append(experiment_id, entry))
        if _try(actions, layers.writes(before, None, now)) is Outcome.WRITTEN:
            return
    raise UnavailableError("Too many changes to this experiment at once; try again.")


def list_page(wanted: Wanted, limit: int, start: str | None = None) -> Page:
    """Return up to `limit` of the experiments, newest first; `start` is a page's `next_start`."""
    is_narrow = wanted != Wanted()
    rows = _matching(wanted, start, evaluated=FILTERED_PAGE if is_narrow else limit + 1)
    # One more than the page holds: it tells whether another page follows.
    found = list(islice(rows, limit + 1))
    page = found[:limit]
    return Page([row.summary for row in page], page[-1].position if len(found) > limit else None)


def sorted_page(wanted: Wanted, sort: Sort, limit: int, after: _Place | None) -> SortedPage:
    """Return up to `limit` of the experiments in that order; `after` is a page's `last`.

    All are read for each page: InvalidError where more than MOST_SORTED match.
    """
    found = list(islice(_matching(wanted, None, FILTERED_PAGE), MOST_SORTED + 1))
    if len(found) > MOST_SORTED:
        reason = f"more than {MOST_SORTED} experiments match: narrow the search, or leave the order out"
        raise InvalidError("There are too many experiments to sort.", [FieldError("/sort", reason)])
    # Behind the key the position, so that the order is total and no page repeats or skips an equal key.
    by_place = {(sort.key(row.summary), row.position): row.summary for row in found}
    places = sorted(by_place, reverse=sort.descends)
    if after is not None:
        places = _beyond(after, places, descends=sort.descends)
    page = places[:limit]
    return SortedPage([by_place[place] for place in page], page[-1] if len(places) > limit else None)


def _beyond(after: _Place, places: Iterable[_Place], *, descends: bool) -> list[_Place]:
    # By comparison, not by index: the experiment at the cursor may have moved since.
    return [place for place in places if (place < after if descends else place > after)]


def _matching(wanted: Wanted, start: str | None, evaluated: int) -> "Iterator[_Row]":
    for item in _rows(wanted.status, start, evaluated):
        summary = items.summary_of(item)
        if wanted.matches(summary):
            yield _Row(item["SK"]["S"], summary)


def listed() -> dict[str, Listed]:
    """Return how every experiment is listed, by its id, newest first.

    Read eventually consistently, at half the price: callers cache it anyway, and META decides.
    """
    rows = _rows(None, None, FILTERED_PAGE)
    return {row["experiment_id"]["S"]: Listed(Status(row["status"]["S"]), "ship" in row) for row in rows}


def with_history() -> list[str]:
    """Return the id of every experiment, deleted ones too, in order, read consistently."""
    query = in_partition(settings.data_table(), items.DELETED["PK"]["S"], consistent=True)
    found = {row["experiment_id"]["S"] for row in _rows(None, None, FILTERED_PAGE, consistent=True)}
    return sorted(found | {item["SK"]["S"] for item in every_item(query)})


def tended(since: int, starts_by: int = 0) -> list[str]:
    """Return the ids of the experiments that are live or ended at or after `since`, newest first.

    With `starts_by` also those of drafts that are to start by then.
    """
    rows = _rows(None, None, FILTERED_PAGE)
    return [row["experiment_id"]["S"] for row in rows if _is_tended(row, since, starts_by)]


def _is_tended(row: Item, since: int, starts_by: int) -> bool:
    if row["status"]["S"] == Status.COMPLETED:
        ended_at = items.summary_of(row)["ended_at"]
        return ended_at is not None and str(ended_at) >= rfc3339(since)
    if row["status"]["S"] == Status.DRAFT:
        return "start_at" in row and int(row["start_at"]["N"]) <= starts_by
    return True


def _rows(
    status: Status | None, start: str | None, evaluated: int, *, consistent: bool = False
) -> Iterator[Item]:
    """Query the list from `start` on, newest first, reading `evaluated` items a call."""
    query = items.list_query(status, start) | {"ConsistentRead": consistent, "Limit": evaluated}
    return every_item(query)


def _attempts(experiment_id: str) -> Iterator[Experiment]:
    """Yield the stored experiment, and again after each lost race."""
    for attempt in range(MAX_TRIES):
        pauses.pause(attempt)
        yield read(experiment_id, consistent=True)


def _try(actions: Sequence[Action], guards: Sequence[Action]) -> Outcome:
    """Write all or nothing; the experiment's own action comes first, the guards of other items last."""
    try:
        commit([*actions, *guards])
    except CancelledError as error:
        failed = error.failed_conditions()
        if 0 in failed:
            return Outcome.STALE
        if not error.reasons or set(error.reasons[: len(actions)]) - PASSING:
            raise
        if set(error.reasons[len(actions) :]) - PASSING - {CONDITION_FAILED}:
            raise
        return Outcome.AGAIN
    return Outcome.WRITTEN
