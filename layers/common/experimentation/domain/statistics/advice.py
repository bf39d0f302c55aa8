"""The recommendation for the whole experiment, and the reasons for it."""

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
    metric_reasons,
    readiness_reasons,
    verdict_reasons,
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
    """What today's figures say by themselves, before verdicts of earlier looks are applied."""

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
        treatment: standing(judgement, verdicts.get(treatment), own.readiness.ended)
        for treatment, judgement in own.judgements.items()
    }
    decision = _decision(study, own, final)
    action, variant = decision.action, decision.variant
    verdicts_shown = [verdicts[key] for key in decision.shown if key in verdicts]
    reasons = _reasons(study, progress, own, decision, verdicts_shown)
    early = _early(own, verdicts, decision)
    if early is not None:
        reasons.append(exaggeration(early.figures, early.kind))
    others: list[Rival] = []
    if variant:
        others = rivals(study, metrics, variant, decision.shipping)
        reasons += rival_reasons(study, metrics, variant, others)
    return Recommendation(
        action,
        reasons,
        days_left(study, progress, own.answer.enrolled, own.judged) if action == "keep_running" else None,
        variant,
        actions_of(final),
        metrics_of(final),
        _decided_on(verdicts_shown, action),
        None if early is None else early.figures.shrunken_lift,
        others,
    )


class _Decision(NamedTuple):
    """The action for all treatments; `variant` is the best of those `shipping`, `shown` what reasons name.

    `final` is what holds for each treatment.
    """

    action: Action
    final: Mapping[str, Judgement]
    shipping: list[str]
    variant: str | None
    shown: list[str]


def _decision(study: Study, own: Own, final: Mapping[str, Judgement]) -> _Decision:
    by_variant = actions_of(final)
    action = overall(list(by_variant.values()), own.readiness.ended)
    shipping = [key for key, advised in by_variant.items() if advised == action == "ship"]
    variant = best(own.judged, shipping)
    stopped = [key for key, advised in by_variant.items() if advised == "do_not_ship"]
    return _Decision(action, final, shipping, variant, [variant, *stopped] if variant else study.treatments)


def _decided_on(verdicts: Sequence[Verdict], action: str) -> int | None:
    """Return the day of the look whose verdict is the action; None where today's figures decide."""
    return next((each.decided_on for each in verdicts if each.stands and each.action == action), None)


class _Decisive(NamedTuple):
    """The figures that decided to ship or not to ship; `early`: before the plan was met."""

    figures: Deciding
    kind: Kind
    early: bool


def _early(own: Own, verdicts: Mapping[str, Verdict], decision: _Decision) -> _Decisive | None:
    """Return the figures of an early decision, which exaggerate; None for a decision at the planned end."""
    if decision.action not in LASTING:
        return None
    candidates = (
        _decisive(own, verdicts.get(treatment), treatment, decision.final[treatment].because)
        for treatment in decision.shown
    )
    first = next(filter(None, candidates), None)
    if first is None or not first.early or first.figures.shrunken_lift is None:
        return None
    return first


def _decisive(own: Own, verdict: Verdict | None, treatment: str, metric: str | None) -> _Decisive | None:
    """Return the figures of the metric that decided on the treatment: a standing verdict's, else today's."""
    judged = next((each for each in own.judged if each.metric.key == metric), None)
    if judged is None:
        return None
    figures, early = judged.comparisons[treatment].deciding, not own.plan_met
    if verdict is not None and verdict.stands:
        figures, early = verdict.figures, verdict.early
    return None if figures is None else _Decisive(figures, judged.metric.kind, early)


def _reasons(
    study: Study, progress: Progress, own: Own, decision: _Decision, verdicts: Sequence[Verdict]
) -> list[str]:
    reasons = readiness_reasons(study, progress, own.answer.enrolled, own.readiness, decision.action)
    if own.readiness.mismatch:
        return reasons
    reasons += [text for verdict in verdicts for text in verdict_reasons(study, verdict)]
    if own.moment.awaits_look:
        reasons.append(UNTIL_THE_LOOK)
    if not any(each.metric.role is Role.PRIMARY for each in own.judged):
        reasons.append(NO_PRIMARY)
    decided = {verdict.treatment for verdict in verdicts if verdict.stands}
    for treatment in decision.shown:
        stage = Stage(own.readiness.ended, own.plan_met, treatment in decided)
        reasons += metric_reasons(study, own.judged, treatment, stage)
    return reasons
