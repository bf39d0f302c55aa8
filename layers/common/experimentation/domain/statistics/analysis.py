"""The whole analysis of an experiment: everything that the full results answer shows, from exact sums."""

from collections.abc import Mapping, Sequence

from experimentation.domain.experiment import Analysis as Mode
from experimentation.domain.experiment import Role
from experimentation.domain.statistics.advice import Own, recommendation
from experimentation.domain.statistics.answer import Analysis, MetricResult, SampleRatio, VariantFigures
from experimentation.domain.statistics.comparison import Comparison, compared
from experimentation.domain.statistics.decision import Readiness
from experimentation.domain.statistics.examining import Moment, examine
from experimentation.domain.statistics.families import adjusted, families
from experimentation.domain.statistics.looks import Look, verdicts_of
from experimentation.domain.statistics.moments import as_float
from experimentation.domain.statistics.proportions import Rate, wilson
from experimentation.domain.statistics.srm import MISMATCH, srm_chi2, srm_sequential_dirichlet
from experimentation.domain.statistics.study import (
    ERROR_RATE,
    Metric,
    MetricTotals,
    Progress,
    Query,
    Study,
    VariantTotals,
    enough_days,
    metric_moments,
    plan_met,
)
from experimentation.domain.statistics.verdict import (
    Judged,
    actions_of,
    judgement,
    metrics_of,
    overall,
)


def analyse(
    study: Study,
    progress: Progress,
    query: Query,
    enrolled: Mapping[str, int],
    metrics: Sequence[MetricTotals],
    enrolment_batches: Sequence[Mapping[str, int]] = (),
    looks: Sequence[Look] = (),
) -> Analysis:
    """Return the whole analysis.

    `enrolled` counts the users of the population asked for, by variant; `enrolment_batches` (say, one a day,
    in order, summing to `enrolled`) lets the sequential mismatch test remember earlier days; `looks` are the
    stored ones, oldest first.
    """
    own = _own(study, progress, query, enrolled, metrics, enrolment_batches, looks)
    if not query.declared or not progress.started:
        return own.answer
    titles = {metric.key: metric.title for metric in own.answer.metrics}
    verdicts = verdicts_of(looks, _look(study, progress, own, day=0), titles)
    advice = recommendation(study, progress, own, verdicts, metrics)
    return own.answer._replace(recommendation=advice, verdicts=verdicts)


def take_look(
    study: Study,
    progress: Progress,
    enrolled: Mapping[str, int],
    metrics: Sequence[MetricTotals],
    enrolment_batches: Sequence[Mapping[str, int]],
    looks: Sequence[Look],
    day: int,
) -> Look:
    """Return the look of this UTC day (days since 1970), to be stored once; `looks` are the earlier ones."""
    progress = progress._replace(at_look=True)
    own = _own(study, progress, Query(), enrolled, metrics, enrolment_batches, looks)
    return _look(study, progress, own, day)


def _own(
    study: Study,
    progress: Progress,
    query: Query,
    enrolled: Mapping[str, int],
    metrics: Sequence[MetricTotals],
    enrolment_batches: Sequence[Mapping[str, int]],
    looks: Sequence[Look],
) -> Own:
    users = {variant: enrolled.get(variant, 0) for variant in study.weights}
    srm = sample_ratio(study, users, enrolment_batches)
    readiness = _readiness(study, progress, users, srm)
    met = plan_met(study, progress, sum(users.values()))
    moment = _moment(study, progress, sum(users.values()), readiness, looks)
    looked = moment.plan_met or planned_look(looks) is not None
    reached = met if study.analysis is Mode.SEQUENTIAL else looked
    readiness = readiness._replace(ended=progress.completed or reached)
    results = _results(study, query, metrics, moment)
    judged = [
        Judged(totals.metric, result.variants[study.control].mean, result.comparisons)
        for totals, result in zip(metrics, results, strict=True)
        if totals.metric.decides
    ]
    answer = Analysis(
        study.analysis,
        query.confidence_level,
        exploratory=not query.declared,
        enrolled=users,
        names={variant: study.title(variant) for variant in study.weights},
        srm=srm,
        metrics=results,
        recommendation=None,
        verdicts={},
    )
    judgements = {treatment: judgement(study, readiness, judged, treatment) for treatment in study.treatments}
    return Own(answer, readiness, moment, judged, judgements, met)


def _readiness(study: Study, progress: Progress, users: Mapping[str, int], srm: SampleRatio) -> Readiness:
    return Readiness(
        mismatch=srm.status == MISMATCH,
        enough_users=all(users[variant] >= study.min_users for variant in study.active),
        enough_days=enough_days(study, progress),
        ended=progress.completed,
        completed=progress.completed,
        any_day=study.analysis is Mode.SEQUENTIAL,
    )


def _moment(
    study: Study, progress: Progress, enrolled: int, readiness: Readiness, looks: Sequence[Look]
) -> Moment:
    """Return what may decide now."""
    met, at_look = plan_met(study, progress, enrolled), _is_at_look(progress, looks)
    moment = Moment(readiness.mismatch, at_look, at_look and met, progress.completed)
    if study.analysis is Mode.FIXED:
        # Once the plan is met today's figures decide, until the look at the end of that day is kept. Not in a
        # pause, which has no looks: each of its days would be another chance of a false positive.
        met = met and not progress.paused
        moment = moment._replace(at_look=at_look or met, plan_met=met)
        return _with_look(moment, planned_look(looks))
    if study.analysis is Mode.GROUP_SEQUENTIAL and study.planned_users:
        ready = at_look and readiness.enough_users and readiness.enough_days
        return _with_spent(moment, ready, enrolled / study.planned_users, looks)
    return moment


def _is_at_look(progress: Progress, looks: Sequence[Look]) -> bool:
    """Say whether these are a look's figures: of the day's, or at completion until its look is kept."""
    return progress.at_look or (progress.completed and not any(look.completed for look in looks))


def _with_spent(moment: Moment, ready: bool, information: float, looks: Sequence[Look]) -> Moment:
    """Return the moment of a look that spends error rate, else with the figures of the last that did."""
    from experimentation.domain.statistics.group_sequential import spends  # noqa: PLC0415 - rare

    earlier = [look for look in looks if look.bound is not None]
    fractions = [look.information or 0.0 for look in earlier]
    information = min(1.0, information)
    if ready and spends(fractions, information):
        return moment._replace(fractions=(*fractions, information))
    return _with_look(moment, earlier[-1] if earlier else None)


def _with_look(moment: Moment, look: Look | None) -> Moment:
    if look is None:
        return moment
    return moment._replace(look_figures=look.figures, look_day=look.day, unsafe=look.unsafe)


def planned_look(looks: Sequence[Look]) -> Look | None:
    """Return the look at the planned end of a fixed or group-sequential plan; None before it."""
    return next((look for look in looks if look.plan_met), None)


def _look(study: Study, progress: Progress, own: Own, day: int) -> Look:
    answer = own.answer
    figures = {
        metric.key: {
            treatment: each.deciding
            for treatment, each in metric.comparisons.items()
            if each.deciding is not None
        }
        for metric in answer.metrics
    }
    by_variant = actions_of(own.judgements)
    fractions = own.moment.fractions
    return Look(
        day,
        progress.completed,
        answer.enrolled,
        own.readiness.mismatch,
        own.plan_met,
        action=overall(list(by_variant.values()), own.readiness.ended),
        by_variant=by_variant,
        because=metrics_of(own.judgements),
        figures=figures,
        information=fractions[-1] if fractions else None,
        bound=_bound(study, fractions) if fractions else None,
        unsafe={treatment: _unsafe(own.judged, treatment) for treatment in study.treatments},
    )


def _unsafe(judged: Sequence[Judged], treatment: str) -> list[str]:
    guards = ((each.metric.key, each.comparisons[treatment].guard) for each in judged)
    return [key for key, guard in guards if guard is not None and not guard.safe]


def _bound(study: Study, fractions: tuple[float, ...]) -> float:
    from experimentation.domain.statistics.group_sequential import boundary  # noqa: PLC0415 - rare

    family = max(1, study.primary_metrics * len(study.treatments))
    return min(1e9, boundary(fractions, ERROR_RATE / family).bounds[-1])


def _results(
    study: Study, query: Query, metrics: Sequence[MetricTotals], moment: Moment
) -> list[MetricResult]:
    examined = [
        {treatment: examine(study, query, totals, treatment, moment) for treatment in study.others}
        for totals in metrics
    ]
    family_of = families(study, examined)
    comparisons = [
        {
            treatment: compared(study, query, each, family_of.get((index, treatment)), moment)
            for treatment, each in by_treatment.items()
        }
        for index, by_treatment in enumerate(examined)
    ]
    p_values = [{key: each.p_value for key, each in by_treatment.items()} for by_treatment in comparisons]
    adjusted_p_values = adjusted([_family(totals.metric) for totals in metrics], p_values, query.correction)
    return [
        _result(study, query, *of_metric)
        for of_metric in zip(metrics, comparisons, adjusted_p_values, strict=True)
    ]


def _result(
    study: Study,
    query: Query,
    totals: MetricTotals,
    comparisons: Mapping[str, Comparison],
    adjusted_p_values: Mapping[str, float | None],
) -> MetricResult:
    metric = totals.metric
    return MetricResult(
        metric.key,
        metric.name,
        metric.event_type,
        metric.kind,
        metric.role,
        metric.late,
        metric.margin,
        metric.direction,
        variants={key: variant_figures(metric, totals.variants[key], query.alpha) for key in study.weights},
        comparisons={
            treatment: comparison._replace(adjusted_p_value=adjusted_p_values[treatment])
            for treatment, comparison in comparisons.items()
        },
    )


def sample_ratio(
    study: Study, enrolled: Mapping[str, int], batches: Sequence[Mapping[str, int]] = ()
) -> SampleRatio:
    """Return the mismatch tests of the enrolled users against the weights above 0."""
    variants = study.active
    weights = [study.weights[variant] for variant in variants]
    test = srm_chi2([enrolled.get(variant, 0) for variant in variants], weights)
    looks = [[batch.get(variant, 0) for variant in variants] for batch in batches or [enrolled]]
    p_values = srm_sequential_dirichlet(looks, weights).p_values
    expected = dict(zip(variants, test.expected, strict=True))
    return SampleRatio(test.status, test.p_value, test.chi2, expected, p_values[-1])


def variant_figures(metric: Metric, totals: VariantTotals, alpha: float) -> VariantFigures:
    """Return what one variant did, without comparing it.

    >>> from experimentation.domain.experiment import Direction, Kind
    >>> metric = Metric("bought", "purchase", Kind.CONVERSION, Direction.INCREASE, Role.PRIMARY)
    >>> figures = variant_figures(metric, VariantTotals(10, 4, 5, 50, 700), alpha=0.05)
    >>> figures.rate, figures.mean, figures.count
    (0.4, 0.4, 5)
    """
    moments = metric_moments(metric, totals)
    rate = Rate(totals.users, totals.converters)
    return VariantFigures(
        totals.users,
        totals.converters,
        rate.share if totals.users else None,
        wilson(rate, alpha),
        totals.count,
        float(totals.sum),
        as_float(moments.mean),
        as_float(moments.variance),
    )


def _family(metric: Metric) -> Role | None:
    """Return the role whose family the shown p-value is adjusted in; late metrics are exploratory."""
    return None if metric.late or metric.role is Role.SECONDARY else metric.role
