"""Enrolling users whom a client assigned by itself, at the time of their exposure.

Every transaction rewrites the heads of its users on the condition of their versions, so each round takes one
experiment of every user. An exposure that is delivered again finds its user enrolled, or crossed over.
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
from experimentation.domain.counting.ledger import Head
from experimentation.domain.counting.placing import Times
from experimentation.domain.counting.user import StoredUser
from experimentation.domain.counting.writes import Transaction, grouped
from experimentation.domain.errors import UnavailableError
from experimentation.domain.experiment import Experiment
from experimentation.domain.prerequisites import named
from experimentation.storage import crossovers, retention, users
from experimentation.usecases.committing import commit
from experimentation.usecases.placing import first_turn, load, plan
from experimentation.usecases.retrying import Waiting
from experimentation.usecases.runtime import Runtime
from experimentation.usecases.user_heads import read_heads

MAX_USERS = 100  # whose heads one BatchGetItem reads

type UserExperiment = tuple[str, str]
"""(user id, experiment id)"""


@dataclass
class Outcome:
    """The result of a batch; `outage` is set when the store did not answer the last attempt."""

    fates: Counter[Fate] = field(default_factory=Counter)
    failed: set[UserExperiment] = field(default_factory=set)
    outage: UnavailableError | None = None


class _Loaded(NamedTuple):
    """The experiments of the exposures, and HEAD and PAST of the users."""

    times: Times
    experiments: Mapping[str, Experiment]
    users: Mapping[str, StoredUser]

    def heads(self, user_ids: Iterable[str]) -> dict[str, Head]:
        """Return the heads of these users."""
        return {user_id: self.users[user_id].head for user_id in user_ids}


class _Actions(NamedTuple):
    """One action of each user, to be planned in this round."""

    enrolments: Mapping[str, Enrolment]
    crossovers: Mapping[str, Crossover]


class _Planned(NamedTuple):
    """A user's fate in one experiment once the transaction is written, if it needs one."""

    experiment_id: str
    fate: Fate
    transaction: Transaction | None
    variant: str | None
    """The variant whose exposures are settled; None for all of them."""


class _Pending(Waiting[UserExperiment]):
    """The exposures that are still to be settled."""

    def __init__(self, received: Iterable[Exposure]) -> None:
        super().__init__()
        self.outcome = Outcome(failed=self.failed)
        self.exposures: Exposed = in_time_order(received)

    def group(self) -> list[str]:
        """Return the users of the next round; a user to be tried alone comes alone, after the others."""
        together = [user_id for user_id in self.exposures if user_id not in self.alone]
        return together[:MAX_USERS] or list(self.exposures)[:1]

    def settle(
        self, user_id: str, experiment_id: str, fates: Iterable[Fate], variant: str | None = None
    ) -> None:
        """Remove the exposures to that variant, or all of the user's in the experiment."""
        self.outcome.fates.update(fates)
        by_experiment = self.exposures[user_id]
        exposures = by_experiment.pop(experiment_id)
        others = [each for each in exposures if variant not in {None, each.variant}]
        if others:
            by_experiment[experiment_id] = others
        if not by_experiment:
            del self.exposures[user_id]

    def settle_planned(self, user_ids: Iterable[str], planned: Mapping[str, _Planned]) -> None:
        """Remove what the plan settles for these users."""
        for user_id in user_ids:
            experiment_id, fate, _, variant = planned[user_id]
            self.settle(user_id, experiment_id, [fate], variant)

    def remove(self, user_id: str) -> set[UserExperiment]:
        """Remove all exposures of a user, and return their keys."""
        return {(user_id, experiment_id) for experiment_id in self.exposures.pop(user_id, {})}


def enrol_exposed(received: Iterable[Exposure], runtime: Runtime, has_time: Callable[[], bool]) -> Outcome:
    """Settle each exposure; `has_time` says whether another attempt may begin."""
    pending = _Pending(received)
    outcome = pending.outcome
    while pending.exposures and has_time():
        group = pending.group()
        pending.pause(group, runtime)
        try:
            refused = _round(group, pending, runtime, has_time)
        except UnavailableError as unavailable:
            outcome.outage = unavailable
            pending.note_attempt(set(group) & pending.exposures.keys())
        except Exception:  # noqa: BLE001 - the worker's edge: one broken user must not stop the others
            telemetry.logger.exception("exposures could not be counted")
            pending.isolate(group)
        else:
            outcome.outage = None
            pending.note_attempt(refused)
    pending.give_up(pending.exposures)
    return outcome


def _round(group: list[str], pending: _Pending, runtime: Runtime, has_time: Callable[[], bool]) -> set[str]:
    """Settle what needs no write, then write one action of each user; return whose writes were refused."""
    loaded = _load(group, pending, runtime)
    # Erasures first: an erasure deletes a user's other items before HEAD, so their reads look torn.
    _drop_erasing(group, loaded, pending)
    present = [user_id for user_id in group if user_id in pending.exposures]
    torn = {user_id for user_id in present if loaded.users[user_id].is_torn()}
    actions = _actions([user_id for user_id in present if user_id not in torn], loaded, pending)
    crossing = _planned_crossovers(actions.crossovers, loaded, runtime)
    enrolling = _planned_enrolments(actions.enrolments, loaded, runtime)
    torn |= actions.enrolments.keys() - enrolling.keys()
    return torn | _write(crossing | enrolling, pending, runtime, has_time)


def _load(group: list[str], pending: _Pending, runtime: Runtime) -> _Loaded:
    now = runtime.clock()
    ids = dict.fromkeys(experiment_id for user_id in group for experiment_id in pending.exposures[user_id])
    experiments = runtime.experiments.read_many(ids, now)
    experiments |= runtime.experiments.read_many(named(experiments.values()), now)
    heads = read_heads(group, runtime)
    needs = [users.Need(each, heads[each], frozenset(), past=bool(heads[each].past_until)) for each in group]
    # By whole days: to enrol in the past splits the ledger of a day, by all events of that day.
    times = Times(now, retention.current().whole_days_from(now), runtime.oldest_event(now))
    return _Loaded(times, experiments, users.read_users(needs))


def _drop_erasing(group: list[str], loaded: _Loaded, pending: _Pending) -> None:
    """Drop exposures received before their user's erasure; give up later ones until it has ended."""
    erasing = {user_id: head for user_id, head in loaded.heads(group).items() if head.erasing}
    for user_id, head in erasing.items():
        for experiment_id, exposures in list(pending.exposures[user_id].items()):
            if max(each.received for each in exposures) <= head.erased_at:
                pending.settle(user_id, experiment_id, [Fate.TOO_OLD] * len(exposures))
    pending.give_up(erasing)


def _actions(group: list[str], loaded: _Loaded, pending: _Pending) -> _Actions:
    """Settle what needs no write; return one action of each user, enrolments before crossovers."""
    enrolments: dict[str, Enrolment] = {}
    crossing: list[Crossover] = []
    for user_id in group:
        for action in _judged(user_id, loaded, pending):
            if isinstance(action, Crossover):
                crossing.append(action)
            else:
                enrolments.setdefault(user_id, action)
    uncounted = _uncounted(crossing, pending)
    return _Actions(
        first_turn(enrolments, loaded.heads(enrolments)),
        {each.user_id: each for each in uncounted if each.user_id not in enrolments},
    )


def _judged(user_id: str, loaded: _Loaded, pending: _Pending) -> list[Enrolment | Crossover]:
    """Settle those of a user's exposures that need no action; return the actions for the others."""
    ledger, oldest = loaded.users[user_id].ledger, loaded.times.accepted_since
    actions: list[Enrolment | Crossover] = []
    for experiment_id, exposures in list(pending.exposures[user_id].items()):
        judged = judge(ledger, loaded.experiments, exposures, oldest, patterns.search)
        if judged.action is None:
            pending.settle(user_id, experiment_id, judged.settled)
        else:
            actions.append(judged.action)
    return actions


def _uncounted(crossing: list[Crossover], pending: _Pending) -> list[Crossover]:
    """Settle the crossovers that were counted before; return the others."""
    counted = set(map(_key, crossovers.known(map(_key, crossing))))
    for each in crossing:
        if _key(each) in counted:
            pending.settle(each.user_id, each.experiment_id, [Fate.KNOWN])
    return [each for each in crossing if _key(each) not in counted]


def _key(crossover: Crossover) -> tuple[str, str]:
    return crossover.experiment_id, crossover.user_id


def _planned_crossovers(
    crossing: Mapping[str, Crossover], loaded: _Loaded, runtime: Runtime
) -> dict[str, _Planned]:
    living = dict.fromkeys(name for head in loaded.heads(crossing).values() for name in head.living())
    others = runtime.experiments.read_many(living, loaded.times.now)
    planned: dict[str, _Planned] = {}
    for user_id, each in crossing.items():
        experiment = loaded.experiments[each.experiment_id]
        fate, transaction = cross_over(loaded.users[user_id], experiment, each, others, loaded.times)
        planned[user_id] = _Planned(experiment.id, fate, transaction, None)
    return planned


def _planned_enrolments(
    enrolments: Mapping[str, Enrolment], loaded: _Loaded, runtime: Runtime
) -> dict[str, _Planned]:
    """Return the fate of each enrolment; those whose events were torn are left out."""
    history = load(enrolments, loaded.heads(enrolments), runtime)
    planned: dict[str, _Planned] = {}
    for user_id, (placement, transaction) in plan(enrolments, history, loaded.times).items():
        enrolment = enrolments[user_id]
        # A user who is refused met no variant but their own: their other exposures are settled with this one.
        variant = enrolment.variant if transaction else None
        planned[user_id] = _Planned(enrolment.experiment.id, FATES[placement], transaction, variant)
    return planned


def _write(
    planned: Mapping[str, _Planned], pending: _Pending, runtime: Runtime, has_time: Callable[[], bool]
) -> set[str]:
    """Write the transactions while there is time, and settle; return the users whose writes were refused."""
    transactions = {name: each.transaction for name, each in planned.items() if each.transaction}
    pending.settle_planned(planned.keys() - transactions.keys(), planned)
    refused: set[str] = set()
    for transaction in grouped(transactions.values()):
        if not has_time():
            break
        refusal = commit(transaction, runtime)
        if refusal is None:
            pending.settle_planned(transaction.user_ids(), planned)
        else:
            pending.note_conflicts({write.user_id for write in (*refusal.failed, *refusal.conflicted)})
            refused |= transaction.user_ids()
    return refused
