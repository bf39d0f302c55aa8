"""What follows from an analysis for the whole experiment: the recommendation and its reasons."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from experimentation.domain.experiment import Kind, Role
from experimentation.domain.statistics.answer import Analysis
from experimentation.domain.statistics.deciding import Deciding
from experimentation.domain.statistics.decision import Action, Readiness
from experimentation.domain.statistics.examining import Moment
from experimentation.domain.statistics.looks import LASTING, Verdict
from experimentation.domain.statistics.pace import days_left
from experimentation.domain.statistics.reasons import (
    NO_PRIMARY,
    UNTIL_THE_LOOK,
    Stage,
    exaggeration,
    kept_reasons,
    metric_reasons,
    readiness_reasons,
)
from experimentation.domain.statistics.rivals import Rival, rival_reasons, rivals
from experimentation.domain.statistics.study import MetricTotals, Progress, Study
from experimentation.domain.statistics.verdict import (
    Judged,
    Judgement,
    Recommendation,
    actions_of,
    best,
    metrics_of,
    overall,
    standing,
)


class Own(NamedTuple):
    """What the figures say by themselves, before any verdict that an earlier look gave."""

    answer: Analysis
    readiness: Readiness
    moment: Moment
    judged: list[Judged]
    judgements: dict[str, Judgement]
    plan_met: bool


def recommendation(
    study: Study,
    progress: Progress,
    own: Own,
    verdicts: Mapping[str, Verdict],
    metrics: Sequence[MetricTotals],
) -> Recommendation:
    """Return what holds for the whole experiment, earlier looks' verdicts included."""
    final = {
        treatment: standing(each, verdicts.get(treatment), own.readiness.ended)
        for treatment, each in own.judgements.items()
    }
    by_variant, because = actions_of(final), metrics_of(final)
    action = overall(list(by_variant.values()), own.readiness.ended)
    shipping = [key for key, each in by_variant.items() if each == action == "ship"]
    variant = best(own.judged, shipping)
    stopped = [key for key, each in by_variant.items() if each == "do_not_ship"]
    shown = [variant, *stopped] if variant else study.treatments
    kept = [verdicts[key] for key in shown if key in verdicts]
    reasons = _reasons(study, progress, own, shown, kept, action)
    early = _early(own, verdicts, action, shown, because)
    if early is not None:
        reasons.append(exaggeration(early.figures, early.kind))
    others: list[Rival] = []
    if variant:
        others = rivals(study, metrics, variant, shipping)
        reasons += rival_reasons(study, metrics, variant, others)
    return Recommendation(
        action,
        reasons,
        days_left(study, progress, own.answer.enrolled, own.judged) if action == "keep_running" else None,
        variant,
        by_variant,
        because,
        _decided_on(kept, action),
        None if early is None else early.figures.shrunken_lift,
        others,
    )


def _decided_on(verdicts: Sequence[Verdict], action: str) -> int | None:
    """Return the day of the look whose verdict is the action; None where today's figures speak."""
    return next((each.decided_on for each in verdicts if each.stands and each.action == action), None)


class _Early(NamedTuple):
    """The figures of a decision to ship or not to ship that came before the plan was met."""

    figures: Deciding
    kind: Kind


def _early(
    own: Own,
    verdicts: Mapping[str, Verdict],
    action: str,
    shown: Sequence[str],
    because: Mapping[str, str],
) -> _Early | None:
    """Return what was decided early, the first of what is shown; None where it need not be shrunken."""
    if action not in LASTING:
        return None
    for treatment in shown:
        verdict = verdicts.get(treatment)
        for each in own.judged:
            if each.metric.key != because.get(treatment):
                continue
            figures, early = each.comparisons[treatment].deciding, not own.plan_met
            if verdict is not None and verdict.stands:
                figures, early = verdict.figures, verdict.early
            if figures is not None:
                shrunken = early and figures.shrunken_lift is not None
                return _Early(figures, each.metric.kind) if shrunken else None
    return None


def _reasons(
    study: Study,
    progress: Progress,
    own: Own,
    shown: Sequence[str],
    verdicts: Sequence[Verdict],
    action: Action,
) -> list[str]:
    reasons = readiness_reasons(study, progress, own.answer.enrolled, own.readiness, action)
    if own.readiness.mismatch:
        return reasons
    reasons += [text for verdict in verdicts for text in kept_reasons(study, verdict)]
    if own.moment.plan_met and own.moment.kept is None and not progress.completed:
        reasons.append(UNTIL_THE_LOOK)
    standing = {verdict.treatment for verdict in verdicts if verdict.stands}
    if not any(each.metric.role is Role.PRIMARY for each in own.judged):
        reasons.append(NO_PRIMARY)
    for treatment in shown:
        stage = Stage(own.readiness.ended, own.plan_met, treatment in standing)
        reasons += metric_reasons(study, own.judged, treatment, stage)
    return reasons
