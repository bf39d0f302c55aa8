"""Assigning users: the shipped variant, an override, the stored answer, or a new one that is stored."""

import json
from collections.abc import Iterable, Sequence

from experimentation import patterns, telemetry
from experimentation.domain.assignment import Context, Decision, Reason
from experimentation.domain.clock import rfc3339_or_none
from experimentation.domain.counting.answering import answers
from experimentation.domain.counting.enrolling import Plan, enrol
from experimentation.domain.counting.ledger import Head
from experimentation.domain.counting.recording import Ledger
from experimentation.domain.counting.user import StoredUser
from experimentation.domain.errors import UnavailableError
from experimentation.domain.experiment import Experiment, Status
from experimentation.domain.prerequisites import DEEPEST, named
from experimentation.storage import users
from experimentation.usecases.committing import commit
from experimentation.usecases.runtime import Runtime
from experimentation.usecases.user_heads import after_erasures
from experimentation.usecases.user_history import read_user

MAX_TRIES = 8
ERASING_SECONDS = 60


def assign(experiment: Experiment, user_id: str, context: Context, runtime: Runtime) -> Decision:
    """Return the user's variant, storing the first answer."""
    return assign_all([experiment], user_id, context, runtime)[0]


def assign_all(
    experiments: Sequence[Experiment], user_id: str, context: Context, runtime: Runtime
) -> list[Decision]:
    """Return the user's variant in each experiment, in their order; new ones are stored a few at a time."""
    settled = [each for each in experiments if each.is_settled_for(user_id)]
    decided = answers(Ledger(Head(), {}), user_id, settled, context, patterns.search, {}).decided
    others = [each for each in experiments if each.id not in decided]
    if others:
        decided |= _decided(others, user_id, context, runtime)
    return [decided[each.id] for each in experiments]


def _decided(
    experiments: Sequence[Experiment], user_id: str, context: Context, runtime: Runtime
) -> dict[str, Decision]:
    assigned: dict[str, Decision] = {}
    for attempt in runtime.attempts(MAX_TRIES):
        now = runtime.clock()
        bases = bases_of(experiments, now, runtime)
        stored = _load_stored(user_id, [*experiments, *bases.values()], consistent=attempt > 0)
        # Torn: the reads met a transaction between two of its items. The next attempt finds all of it.
        if stored.is_torn():
            continue
        known = _as_of(now, experiments, runtime)
        found = answers(stored.ledger, user_id, known, context, patterns.search, bases)
        if not found.drawn:
            return found.decided | assigned
        oldest = runtime.oldest_event(now)
        user = _load_user(user_id, stored.head, found.types, oldest, runtime)
        others = runtime.experiments.read_many(found.others, now)
        plan = enrol(user, found.drawn, others, now, oldest)
        if not user.is_torn() and _committed(plan, assigned, runtime):
            return _refused(plan, user_id) | found.decided | assigned
    raise UnavailableError("This user is being changed by too many requests at once; try again.")


def _load_stored(user_id: str, experiments: Sequence[Experiment], *, consistent: bool) -> StoredUser:
    """Read what the answers depend on: HEAD, and PAST where an assignment may be put away."""
    # An eventually consistent read costs half. A write over a HEAD that lagged fails its condition, and an
    # answer that is drawn again is the same.
    head = users.read_head(user_id, consistent=consistent or any(map(_needs_latest, experiments)))
    if head.erasing:
        raise UnavailableError("This user is being erased; try again.", ERASING_SECONDS)
    need = users.Need(user_id, head, frozenset(), past=_may_be_put_away(head, experiments))
    return users.read_users([need])[user_id]


def _load_user(
    user_id: str, head: Head, event_types: frozenset[str], oldest: int, runtime: Runtime
) -> StoredUser:
    """Read what an enrolment depends on beside HEAD: the ledgers that CUPED looks into, and PAST."""
    if not head.version:
        head = after_erasures([user_id], runtime).get(user_id, head)
    need = users.Need(user_id, head, event_types, past=head.past_until > oldest)
    return users.read_users([need])[user_id]


def bases_of(experiments: Iterable[Experiment], now: int, runtime: Runtime) -> dict[str, Experiment]:
    """Return the experiments that these build on, by id, and those that they build on in turn."""
    bases: dict[str, Experiment] = {}
    missing = named(experiments)
    for _ in range(DEEPEST):
        if not missing:
            break
        read = runtime.experiments.read_many(sorted(missing), now)
        bases |= read
        missing = named(read.values()) - bases.keys()
    return bases


def base_answer(
    experiment: Experiment, user_id: str, context: Context, runtime: Runtime
) -> tuple[Experiment, str | None] | None:
    """Return the experiment that this one builds on and the user's variant there, enrolling nobody.

    None where it builds on none, or on one that does not exist.
    """
    now = runtime.clock()
    bases = bases_of([experiment], now, runtime)
    base = next((bases[name] for name in named([experiment]) & bases.keys()), None)
    if base is None:
        return None
    ledger = read_user(user_id, runtime).ledger
    found = answers(ledger, user_id, [base], context, patterns.search, bases)
    if base.id in found.decided:
        return base, found.decided[base.id].variant
    return base, next(each.variant for each in found.drawn if each.experiment.id == base.id)


def _needs_latest(experiment: Experiment) -> bool:
    """Tell whether a lagging read could hide an assignment that the draw would not make again."""
    is_open = experiment.status in {Status.DRAFT, Status.RUNNING}
    return not is_open or experiment.imported_at is not None


def _as_of(now: int, experiments: Sequence[Experiment], runtime: Runtime) -> list[Experiment]:
    """Return them as known at `now`, the time of the assignments, which must lie before their ends."""
    known = runtime.experiments.read_many((experiment.id for experiment in experiments), now)
    return [known.get(experiment.id, experiment) for experiment in experiments]


def _may_be_put_away(head: Head, experiments: Sequence[Experiment]) -> bool:
    return bool(head.past_until) and any(head.assignment(each.id) is None for each in experiments)


def _committed(plan: Plan, assigned: dict[str, Decision], runtime: Runtime) -> bool:
    """Write the plan's transactions in order, noting their assignments; False if one is refused."""
    for transaction, decisions in plan.steps:
        if commit(transaction, runtime) is not None:
            return False
        assigned |= {each.experiment.id: each for each in decisions}
        telemetry.count("UsersEnrolled", len(decisions))
    return True


def _refused(plan: Plan, user_id: str) -> dict[str, Decision]:
    return {
        each.experiment.id: Decision(each.experiment, user_id, None, None, Reason.TOO_MANY)
        for each in plan.too_many
    }


def answer(decision: Decision) -> dict[str, object]:
    """Return the decision as the API shows it."""
    config = None
    if decision.variant is not None:
        text = decision.experiment.variant(decision.variant).config
        config = None if text is None else json.loads(text)
    return {
        "experiment_id": decision.experiment.id,
        "user_id": decision.user_id,
        "enrolled": decision.enrolled,
        "variant": decision.variant,
        "config": config,
        "assigned_at": rfc3339_or_none(decision.assigned_at),
        "reason": decision.reason.value,
    }
