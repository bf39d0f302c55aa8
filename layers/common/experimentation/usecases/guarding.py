"""Guarding a running experiment: harm is reported at once, and pauses it where that is declared."""

from collections.abc import Callable, Sequence

from experimentation.domain.errors import UnavailableError
from experimentation.domain.experiment import Experiment, Reaction, Status
from experimentation.domain.facts import Cause, Fact, FactKind
from experimentation.domain.lifecycle import transition
from experimentation.domain.statistics.guarding import Danger, Finding, dangers
from experimentation.storage import experiments, history, outbox
from experimentation.storage.aws.transactions import Action, CancelledError, commit
from experimentation.usecases.analysing import guard_figures

GUARD = "guard"  # the actor in the history
MOST_FINDINGS = 20  # of one run: each is three items, and a transaction holds a hundred


def guard(experiment: Experiment, clock: Callable[[], int]) -> Experiment:
    """Act on what is proven now, and return the experiment as it is then.

    Each danger is acted on once: whoever resumes a paused experiment has accepted the finding, so it neither
    pauses the experiment again nor is reported again.
    """
    if experiment.status is not Status.RUNNING:
        return experiment
    findings = _new_findings(experiment)
    pausing = [each for each in findings if _reaction(experiment, each) is Reaction.PAUSE]
    for finding in findings:
        if finding not in pausing:
            _notify(experiment, finding, clock())
    return _pause(experiment, pausing, clock()) if pausing else experiment


def _new_findings(experiment: Experiment) -> list[Finding]:
    findings = dangers(*guard_figures(experiment))
    if not findings:
        return []
    told = outbox.marked(experiment.id)
    return [each for each in findings if _id(experiment, each) not in told][:MOST_FINDINGS]


def _reaction(experiment: Experiment, finding: Finding) -> Reaction:
    rule = experiment.guard
    return rule.harm if finding.danger is Danger.HARM else rule.mismatch


def _pause(experiment: Experiment, findings: Sequence[Finding], now: int) -> Experiment:
    cause = Cause(
        GUARD,
        "status",
        f"{'; '.join(each.sentence for each in findings)}.",
        {"findings": [each.figures for each in findings]},
    )
    return experiments.change_because(
        experiment.id,
        lambda each: transition(each, Status.PAUSED, now) if each.status is Status.RUNNING else each,
        now=now,
        cause=cause,
        told=lambda after: [put for each in findings for put in _told(after, each, now)],
    )


def _notify(experiment: Experiment, finding: Finding, now: int) -> None:
    entry = history.Entry(
        now,
        experiment.version,
        GUARD,
        finding.danger,
        reason=f"{finding.sentence}.",
        figures={"findings": [finding.figures]},
    )
    actions = [*_told(experiment, finding, now), history.append(experiment.id, entry)]
    try:
        commit(actions)
    except CancelledError as error:
        if not error.condition_failed(0):  # else another run has reported it
            raise UnavailableError("The danger could not be reported; the next run tries again.") from error


def _told(experiment: Experiment, finding: Finding, now: int) -> list[Action]:
    fact = Fact(
        _id(experiment, finding),
        FactKind(finding.danger),
        now,
        experiment.id,
        experiment.name,
        GUARD,
        f"{experiment.name}: {finding.sentence}.",
        finding.figures,
    )
    return [outbox.mark(fact), *outbox.put(fact)]


def _id(experiment: Experiment, finding: Finding) -> str:
    return ":".join((experiment.id, finding.danger, f"{experiment.created_at:x}", *finding.subject))
