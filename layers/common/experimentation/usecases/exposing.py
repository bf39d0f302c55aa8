"""Enrolling users whom a client assigned by itself, at the time of their exposure.

Every transaction rewrites the heads of its users on the condition of their versions; so each round takes one
experiment of every user. What is delivered again finds its user enrolled, or crossed over.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from experimentation import patterns, telemetry
from experimentation.domain.assignment import Crossover
from experimentation.domain.counting.enrolling import Enrolment
from experimentation.domain.counting.exposing import FATES, Exposed, Fate, cross_over, in_time_order, judge
from experimentation.domain.counting.exposure import Exposure
from experimentation.domain.counting.placing import Times
from experimentation.domain.counting.user import StoredUser
from experimentation.domain.counting.writes import Transaction, grouped
from experimentation.domain.errors import UnavailableError
from experimentation.domain.experiment import Experiment
from experimentation.domain.prerequisites import named
from experimentation.storage import crossovers, retention, users
from experimentation.usecases.committing import commit
from experimentation.usecases.placing import is_late, load, plan, turns
from experimentation.usecases.retrying import Waiting
from experimentation.usecases.runtime import Runtime
from experimentation.usecases.user_heads import read_heads

MAX_USERS = 100  # whose heads one call reads

type UserExperiment = tuple[str, str]
"""(user id, experiment id)"""

type Action = Enrolment | Crossover


@dataclass
class Outcome:
    """What became of a batch; `outage` is set when the store did not answer the last attempt."""

    fates: Counter[Fate] = field(default_factory=Counter)
    failed: set[UserExperiment] = field(default_factory=set)
    outage: UnavailableError | None = None


class _Planned(NamedTuple):
    """What becomes of one user in one experiment, once the transaction is written where there is one."""

    experiment_id: str
    fate: Fate
    transaction: Transaction | None
    variant: str | None
    """Whose exposures are settled; None for all of them."""


class _Known(NamedTuple):
    """What was read: the experiments of the exposures, and of the users HEAD and PAST."""

    times: Times
    experiments: Mapping[str, Experiment]
    users: Mapping[str, StoredUser]


class _Pending(Waiting[UserExperiment]):
    """The exposures that are still to be settled."""

    def __init__(self, received: Iterable[Exposure]) -> None:
        super().__init__()
        self.exposures: Exposed = in_time_order(received)

    def group(self) -> list[str]:
        """Return the users of the next round; one whose conflicts or faults hold up others comes alone."""
        together = [user_id for user_id in self.exposures if user_id not in self.alone]
        return together[:MAX_USERS] or list(self.exposures)[:1]

    def settle(self, user_id: str, experiment_id: str, variant: str | None = None) -> None:
        """Take off the list the exposures to that variant, or all of the user's in the experiment."""
        waiting = self.exposures[user_id]
        left = [each for each in waiting.pop(experiment_id) if each.variant != variant]
        if variant is not None and left:
            waiting[experiment_id] = left
        if not waiting:
            del self.exposures[user_id]

    def give_up(self, user_id: str) -> set[UserExperiment]:
        """Take all of a user's exposures off the list, and name them."""
        return {(user_id, experiment_id) for experiment_id in self.exposures.pop(user_id, {})}


def enrol_exposed(received: Iterable[Exposure], runtime: Runtime, has_time: Callable[[], bool]) -> Outcome:
    """Settle each exposure; `has_time` says whether another attempt may begin."""
    pending, outcome = _Pending(received), Outcome()
    while pending.exposures and has_time():
        group = pending.group()
        pending.pause(group, runtime)
        try:
            refused = _round(group, pending, outcome, runtime, has_time)
        except UnavailableError as unavailable:
            outcome.outage = unavailable
            outcome.failed |= pending.note_attempt(set(group) & pending.exposures.keys())
        except Exception:  # noqa: BLE001 - the worker's edge: one broken user must not stop the others
            telemetry.logger.exception("exposures could not be counted")
            outcome.failed |= pending.isolate(group)
        else:
            outcome.outage = None
            outcome.failed |= pending.note_attempt(refused)
    for user_id in list(pending.exposures):
        outcome.failed |= pending.give_up(user_id)
    return outcome


def _round(
    group: list[str],
    pending: _Pending,
    outcome: Outcome,
    runtime: Runtime,
    has_time: Callable[[], bool],
) -> set[str]:
    """Settle what needs no write, and then one experiment of each user; return whose writes were refused."""
    known = _load(group, pending, runtime)
    # Before the torn: of somebody who is being erased the other items go first, and HEAD last.
    group = _not_erasing(group, known, pending, outcome)
    torn = {user_id for user_id in group if known.users[user_id].is_torn()}
    actions = _judged([user_id for user_id in group if user_id not in torn], pending, outcome, known)
    planned = _crossovers(actions, known, runtime) | _enrolments(actions, known, runtime)
    # Unplanned although there was room for it: its reads were torn.
    refused = torn | (actions.keys() - planned.keys() - _waiting(actions, known))
    for user_id, each in planned.items():
        if each.transaction is None:
            _settle(user_id, each, pending, outcome)
    return refused | _write(planned, pending, outcome, runtime, has_time)


def _write(
    planned: Mapping[str, _Planned],
    pending: _Pending,
    outcome: Outcome,
    runtime: Runtime,
    has_time: Callable[[], bool],
) -> set[str]:
    """Write the transactions while there is time, and settle what they did; return whose were refused."""
    refused: set[str] = set()
    for transaction in grouped(each.transaction for each in planned.values() if each.transaction):
        if not has_time():
            break
        names = {write.user_id for write in transaction.writes}
        refusal = commit(transaction, runtime)
        if refusal is None:
            for user_id in names:
                _settle(user_id, planned[user_id], pending, outcome)
            continue
        for user_id in {write.user_id for write in (*refusal.failed, *refusal.conflicted)}:
            pending.note_conflict(user_id)
        refused |= names
    return refused


def _not_erasing(group: list[str], known: _Known, pending: _Pending, outcome: Outcome) -> list[str]:
    """Drop what erased users met, leave what came since for when the erasure is over; return the others."""
    for user_id in [each for each in group if known.users[each].head.erasing]:
        for name, exposures in list(pending.exposures[user_id].items()):
            if all(each.received <= known.users[user_id].head.erased_at for each in exposures):
                outcome.fates[Fate.TOO_OLD] += len(exposures)
                pending.settle(user_id, name)
        outcome.failed |= pending.give_up(user_id)
    return [user_id for user_id in group if user_id in pending.exposures]


def _settle(user_id: str, planned: _Planned, pending: _Pending, outcome: Outcome) -> None:
    outcome.fates[planned.fate] += 1
    pending.settle(user_id, planned.experiment_id, planned.variant)


def _load(group: list[str], pending: _Pending, runtime: Runtime) -> _Known:
    now = runtime.clock()
    names = dict.fromkeys(name for user_id in group for name in pending.exposures[user_id])
    experiments = runtime.experiments.read_many(names, now)
    experiments |= runtime.experiments.read_many(named(experiments.values()), now)
    heads = read_heads(group, runtime)
    needs = [users.Need(each, heads[each], frozenset(), past=bool(heads[each].past_until)) for each in group]
    # By whole days: to enrol in the past splits the ledger of a day, by all events of that day.
    times = Times(now, retention.current().whole_days_from(now), runtime.oldest_event(now))
    return _Known(times, experiments, users.read_users(needs))


def _judged(group: list[str], pending: _Pending, outcome: Outcome, known: _Known) -> dict[str, Action]:
    """Settle what needs no write; return the first of what is left of each user, enrolments first."""
    left = [(user_id, each) for user_id in group for each in _actions(user_id, pending, outcome, known)]
    crossing = (each for _, each in left if isinstance(each, Crossover))
    stored = crossovers.known((each.experiment_id, each.user_id) for each in crossing)
    crossed = {(each.experiment_id, each.user_id) for each in stored}
    chosen: dict[str, Action] = {}
    for user_id, each in left:
        if isinstance(each, Crossover) and (each.experiment_id, user_id) in crossed:
            outcome.fates[Fate.KNOWN] += 1
            pending.settle(user_id, each.experiment_id)
        elif user_id not in chosen or isinstance(chosen[user_id], Crossover):
            chosen[user_id] = each
    return chosen


def _actions(user_id: str, pending: _Pending, outcome: Outcome, known: _Known) -> list[Action]:
    """Settle those of a user's exposures that need no action; return the actions for the others."""
    ledger, oldest = known.users[user_id].ledger, known.times.accepted_since
    actions: list[Action] = []
    for name, exposures in list(pending.exposures[user_id].items()):
        judged = judge(ledger, known.experiments, exposures, oldest, patterns.search)
        if judged.action is None:
            outcome.fates.update(judged.settled)
            pending.settle(user_id, name)
        else:
            actions.append(judged.action)
    return actions


def _waiting(actions: Mapping[str, Action], known: _Known) -> set[str]:
    """Return the users for whose events there is no room in this round."""
    late = {
        user_id: known.users[user_id].head
        for user_id, each in actions.items()
        if isinstance(each, Enrolment) and is_late(each, known.users[user_id].head)
    }
    return late.keys() - set(next(turns(late), ()))


def _enrolments(actions: Mapping[str, Action], known: _Known, runtime: Runtime) -> dict[str, _Planned]:
    """Return what becomes of each enrolment; those whose reads were torn are left out."""
    waiting = _waiting(actions, known)
    wanted = {
        user_id: each
        for user_id, each in actions.items()
        if isinstance(each, Enrolment) and user_id not in waiting
    }
    loaded = load(wanted, {user_id: known.users[user_id].head for user_id in wanted}, runtime)
    planned: dict[str, _Planned] = {}
    for user_id, (placement, transaction) in plan(wanted, loaded, known.times).items():
        enrolment = wanted[user_id]
        # Whoever is refused met no variant that was not theirs: what else was sent of them settles nothing.
        variant = enrolment.variant if transaction else None
        planned[user_id] = _Planned(enrolment.experiment.id, FATES[placement], transaction, variant)
    return planned


def _crossovers(actions: Mapping[str, Action], known: _Known, runtime: Runtime) -> dict[str, _Planned]:
    """Return what becomes of each crossover."""
    found = {user_id: each for user_id, each in actions.items() if isinstance(each, Crossover)}
    living = dict.fromkeys(name for user_id in found for name in known.users[user_id].head.living())
    others = runtime.experiments.read_many(living, known.times.now)
    planned: dict[str, _Planned] = {}
    for user_id, each in found.items():
        experiment = known.experiments[each.experiment_id]
        fate, transaction = cross_over(known.users[user_id], experiment, each, others, known.times)
        planned[user_id] = _Planned(experiment.id, fate, transaction, None)
    return planned
