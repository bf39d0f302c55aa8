"""What a user is answered: what is stored, else what is drawn; and the enrolments that follow from it.

Pure: everything was read before, and everything is written after.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from experimentation.domain.assignment import Context, Decision, Reason
from experimentation.domain.audience import Search
from experimentation.domain.counting.enrolling import Enrolment, covariate_types
from experimentation.domain.counting.recording import Ledger
from experimentation.domain.drawing import draw
from experimentation.domain.experiment import CountFrom, Experiment, Status
from experimentation.domain.prerequisites import is_met


class Answers(NamedTuple):
    """The answers that need no write, by experiment, and what is to be enrolled for the others.

    Before that `types` are read, the event types whose ledgers CUPED looks into, and `others`, the user's
    experiments that may be over.
    """

    decided: dict[str, Decision]
    drawn: list[Enrolment]
    types: frozenset[str]
    others: list[str]


def answers(
    ledger: Ledger,
    user_id: str,
    experiments: Iterable[Experiment],
    context: Context,
    search: Search,
    prerequisites: Mapping[str, Experiment],
) -> Answers:
    """Return each experiment's answer: an override, else what is stored, else a draw while it runs.

    Where users count from their exposure, the draw is the answer, and nobody is enrolled by it.
    Once a variant is shipped it is the answer for everybody, overrides included: nobody stays behind.
    `prerequisites` are the experiments that these build on; a user who passes one's traffic and audience is
    enrolled in its prerequisite, whatever the variant there.
    """
    decided: dict[str, Decision] = {}
    drawn: list[Enrolment] = []
    for name, each in _answers(ledger, user_id, experiments, context, search, prerequisites).items():
        if isinstance(each, Decision):
            decided[name] = each
        elif each.experiment.count_from is CountFrom.EXPOSURE:
            decided[name] = Decision(each.experiment, user_id, each.variant, None, Reason.DRAWN)
        else:
            drawn.append(each)
    types = covariate_types(each.experiment for each in drawn)
    return Answers(decided, drawn, types, ledger.head.living())


def _answers(
    ledger: Ledger,
    user_id: str,
    experiments: Iterable[Experiment],
    context: Context,
    search: Search,
    prerequisites: Mapping[str, Experiment],
) -> dict[str, Decision | Enrolment]:
    wanted = {each.id: each for each in experiments}
    known = {**prerequisites, **wanted}
    found: dict[str, Decision | Enrolment] = {}

    def answered(experiment: Experiment) -> str | None:
        """Note the answer, after those that it depends on, and return its variant."""
        # The recursion ends: no change that would close a cycle of prerequisites is stored.
        if experiment.id not in found:
            answer = _answer(ledger, user_id, experiment, context, search)
            if isinstance(answer, Enrolment) and experiment.prerequisite is not None:
                below = known.get(experiment.prerequisite.experiment_id)
                if not is_met(experiment, below, answered(below) if below is not None else None):
                    answer = Decision(experiment, user_id, None, None, Reason.PREREQUISITE)
            found[experiment.id] = answer
        return found[experiment.id].variant

    for experiment in wanted.values():
        answered(experiment)
    return found


def _answer(
    ledger: Ledger, user_id: str, experiment: Experiment, context: Context, search: Search
) -> Decision | Enrolment:
    override, stored = experiment.overrides.get(user_id), ledger.assignment(experiment.id)
    if experiment.ship is not None:
        return Decision(experiment, user_id, experiment.ship, None, Reason.SHIPPED)
    if override is not None:
        return Decision(experiment, user_id, override, None, Reason.OVERRIDE)
    if stored is not None:
        return Decision(experiment, user_id, stored.variant, stored.at, Reason.STORED)
    if experiment.status is not Status.RUNNING:
        return Decision(experiment, user_id, None, None, Reason.NOT_RUNNING)
    variant, reason = draw(experiment, user_id, context, search)
    if variant is None:
        return Decision(experiment, user_id, None, None, reason)
    return Enrolment(experiment, variant, context)
