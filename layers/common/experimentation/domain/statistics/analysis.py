"""The whole analysis of an experiment: everything that the full results answer shows, from exact sums."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, NamedTuple

from experimentation.domain.experiment import Analysis as Mode
from experimentation.domain.experiment import Direction, Kind, Role
from experimentation.domain.statistics.comparison import Comparison, Moment, compared, examine
from experimentation.domain.statistics.decision import Readiness
from experimentation.domain.statistics.families import adjusted, families
from experimentation.domain.statistics.lift import Interval
from experimentation.domain.statistics.looks import LASTING, Look, Verdict, kept_verdicts
from experimentation.domain.statistics.moments import as_float
from experimentation.domain.statistics.pace import days_left
from experimentation.domain.statistics.proportions import Rate, wilson
from experimentation.domain.statistics.reasons import (
    exaggeration,
    kept_reasons,
    metric_reasons,
    readiness_reasons,
)
from experimentation.domain.statistics.rivals import rival_reasons, rivals
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
    Judgement,
    Recommendation,
    best,
    judgement,
    overall,
    standing,
)


class SampleRatio(NamedTuple):
    """Did the split follow the weights? `sequential_p_value` may be looked at on any day."""

    status: str
    p_value: float | None
    chi_square: float | None
    expected: dict[str, float]
    sequential_p_value: float | None


@dataclass(frozen=True, slots=True)
class VariantFigures:
    """One metric in one variant; mean and variance are per user, of what the metric's kind looks at."""

    users: int
    converters: int
    rate: float | None
    rate_interval: Interval | None
    count: int
    sum: float
    mean: float | None
    variance: float | None


class MetricResult(NamedTuple):
    """One metric: the figures of every variant and the comparison of every treatment."""

    key: str
    name: str | None
    event_type: str
    kind: Kind
    role: Role | None
    late: bool
    margin: float | None
    direction: Direction
    variants: dict[str, VariantFigures]
    comparisons: dict[str, Comparison]

    @property
    def title(self) -> str:
        """Return what people call it."""
        return self.name or self.key


class Analysis(NamedTuple):
    """The answer; an exploratory one, and a draft's, carries no recommendation.

    `verdicts` are those that kept looks gave, by treatment, standing or fallen.
    """

    analysis: Mode
    confidence_level: float
    exploratory: bool
    enrolled: dict[str, int]
    names: dict[str, str]
    srm: SampleRatio
    metrics: list[MetricResult]
    recommendation: Recommendation | None
    verdicts: dict[str, Verdict]

    @property
    def alpha(self) -> float:
        """Return the error rate of the intervals that are only shown, rounded so that 0.95 gives 0.05."""
        return Query(self.confidence_level).alpha


class Own(NamedTuple):
    """What the figures say by themselves, before any verdict that an earlier look gave."""

    answer: Analysis
    readiness: Readiness
    moment: Moment
    judged: list[Judged]
    judgements: dict[str, Judgement]
    plan_met: bool


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
    in order, summing to `enrolled`) lets the sequential mismatch test remember its earlier looks; `looks` are
    the kept ones, in the order they were taken.
    """
    own = _own(study, progress, query, enrolled, metrics, enrolment_batches, looks)
    if not query.declared or not progress.started:
        return own.answer
    verdicts = kept_verdicts(looks, _look(study, progress, own, day=0))
    advice = _recommendation(study, progress, own, verdicts, metrics)
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
    moment = _moment(study, progress, users, readiness, looks)
    met = plan_met(study, progress, sum(users.values()))
    decided = met if study.analysis is Mode.SEQUENTIAL else moment.plan_met or _decided(looks)
    readiness = readiness._replace(ended=progress.completed or decided)
    results = _results(study, query, metrics, moment)
    judged = [
        Judged(totals.metric, result.variants[study.control].mean, result.comparisons)
        for totals, result in zip(metrics, results, strict=True)
        if totals.metric.decides
    ]
    answer = Analysis(
        study.analysis,
        query.confidence_level,
        not query.declared,
        users,
        {variant: study.title(variant) for variant in study.weights},
        srm,
        results,
        None,
        {},
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
    study: Study,
    progress: Progress,
    users: Mapping[str, int],
    readiness: Readiness,
    looks: Sequence[Look],
) -> Moment:
    """Return what may decide now; the figures at completion are its look until one is kept."""
    enrolled = sum(users.values())
    completion = progress.completed and not any(look.completed for look in looks)
    at_look = progress.at_look or completion
    moment = Moment(
        readiness.mismatch,
        at_look,
        at_look and plan_met(study, progress, enrolled),
        progress.completed,
    )
    if study.analysis is Mode.FIXED:
        # From the moment the plan is met until its look is kept, at the end of that day, today speaks for it.
        met = plan_met(study, progress, enrolled)
        moment = moment._replace(at_look=at_look or met, plan_met=met)
        return _with_kept(moment, next((look for look in looks if look.plan_met), None))
    if study.analysis is Mode.GROUP_SEQUENTIAL and study.planned_users:
        from experimentation.domain.statistics.group_sequential import spends  # noqa: PLC0415 - rare

        spent = [look for look in looks if look.bound is not None]
        fractions = [look.information or 0.0 for look in spent]
        information = min(1.0, enrolled / study.planned_users)
        ready = at_look and readiness.enough_users and readiness.enough_days
        if ready and spends(fractions, information):
            return moment._replace(fractions=(*fractions, information))
        return _with_kept(moment, spent[-1] if spent else None)
    return moment


def _with_kept(moment: Moment, look: Look | None) -> Moment:
    return moment if look is None else moment._replace(kept=look.figures, kept_on=look.day)


def _decided(looks: Sequence[Look]) -> bool:
    """Say whether the planned end of a fixed or group-sequential plan has had its look."""
    return any(look.plan_met for look in looks)


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
    by_variant = {treatment: each.action for treatment, each in own.judgements.items()}
    because = {
        treatment: each.because for treatment, each in own.judgements.items() if each.because is not None
    }
    fractions = own.moment.fractions
    return Look(
        day,
        progress.completed,
        answer.enrolled,
        own.readiness.mismatch,
        own.plan_met,
        overall(list(by_variant.values())),
        by_variant,
        because,
        figures,
        fractions[-1] if fractions else None,
        _bound(study, fractions) if fractions else None,
    )


def _bound(study: Study, fractions: tuple[float, ...]) -> float:
    from experimentation.domain.statistics.group_sequential import boundary  # noqa: PLC0415 - rare

    family = max(1, study.primary_metrics * len(study.treatments))
    return min(1e9, boundary(fractions, ERROR_RATE / family).bounds[-1])


def _recommendation(
    study: Study,
    progress: Progress,
    own: Own,
    verdicts: Mapping[str, Verdict],
    metrics: Sequence[MetricTotals],
) -> Recommendation:
    final = {
        treatment: standing(each, verdicts.get(treatment), own.readiness.ended)
        for treatment, each in own.judgements.items()
    }
    by_variant = {treatment: each.action for treatment, each in final.items()}
    because = {treatment: each.because for treatment, each in final.items() if each.because is not None}
    action = overall(list(by_variant.values()))
    shipping = [key for key, each in by_variant.items() if each == action == "ship"]
    variant = best(own.judged, shipping)
    shown = [variant] if variant else study.treatments
    standing_verdicts = [verdicts[key] for key in shown if key in verdicts]
    reasons = _reasons(study, progress, own, shown, standing_verdicts)
    careful = None if own.plan_met else _careful_lift(own, verdicts, action, shown, because)
    if careful is not None:
        reasons.append(exaggeration(careful))
    others = rivals(study, metrics, variant, shipping) if variant else []
    reasons += rival_reasons(study, metrics, variant, others) if variant else []
    kept = [each for each in standing_verdicts if each.fallen is None and each.action == action]
    return Recommendation(
        action,
        reasons,
        days_left(study, progress, own.answer.enrolled, own.judged) if action == "keep_running" else None,
        variant,
        by_variant,
        because,
        kept[0].decided_on if kept else None,
        careful,
        others,
    )


def _careful_lift(
    own: Own,
    verdicts: Mapping[str, Verdict],
    action: str,
    shown: Sequence[str],
    because: Mapping[str, str],
) -> float | None:
    """Return the shrunken lift of what decided to ship or not to ship."""
    if action not in LASTING:
        return None
    for treatment in shown:
        verdict = verdicts.get(treatment)
        if verdict is not None and verdict.fallen is None and verdict.figures is not None:
            return verdict.figures.shrunken_lift
        for each in own.judged:
            deciding = each.comparisons[treatment].deciding
            if each.metric.key == because.get(treatment) and deciding is not None:
                return deciding.shrunken_lift
    return None


def _reasons(
    study: Study,
    progress: Progress,
    own: Own,
    shown: Sequence[str],
    verdicts: Sequence[Verdict],
) -> list[str]:
    reasons = readiness_reasons(study, progress, own.answer.enrolled, own.readiness)
    if own.readiness.mismatch:
        return reasons
    reasons += [text for verdict in verdicts for text in kept_reasons(study, verdict)]
    return reasons + [
        text
        for treatment in shown
        for text in metric_reasons(study, own.judged, treatment, ended=own.readiness.ended)
    ]


def _results(
    study: Study, query: Query, metrics: Sequence[MetricTotals], moment: Moment
) -> list[MetricResult]:
    examined = [
        {treatment: examine(study, query, totals, treatment, moment) for treatment in study.others}
        for totals in metrics
    ]
    members = families(study, examined)
    results = [
        MetricResult(
            totals.metric.key,
            totals.metric.name,
            totals.metric.event_type,
            totals.metric.kind,
            totals.metric.role,
            totals.metric.late,
            totals.metric.margin,
            totals.metric.direction,
            {
                variant: variant_figures(totals.metric, totals.variants[variant], query.alpha)
                for variant in study.weights
            },
            {
                treatment: compared(study, query, found, members.get((index, treatment)), moment)
                for treatment, found in by_treatment.items()
            },
        )
        for index, (totals, by_treatment) in enumerate(zip(metrics, examined, strict=True))
    ]
    p_values = [
        {treatment: each.p_value for treatment, each in result.comparisons.items()} for result in results
    ]
    shown = adjusted([_family(result) for result in results], p_values, query.correction)
    return [
        result._replace(
            comparisons={
                treatment: each._replace(adjusted_p_value=shown[index][treatment])
                for treatment, each in result.comparisons.items()
            }
        )
        for index, result in enumerate(results)
    ]


def sample_ratio(
    study: Study, enrolled: Mapping[str, int], batches: Sequence[Mapping[str, int]] = ()
) -> SampleRatio:
    """Return the mismatch tests of the enrolled users against the weights above 0."""
    variants = [variant for variant, weight in study.weights.items() if weight > 0]
    weights = [study.weights[variant] for variant in variants]
    test = srm_chi2([enrolled.get(variant, 0) for variant in variants], weights)
    looks = [[batch.get(variant, 0) for variant in variants] for batch in batches or [enrolled]]
    p_values = srm_sequential_dirichlet(looks, weights).p_values
    expected = dict(zip(variants, test.expected, strict=True))
    return SampleRatio(test.status, test.p_value, test.chi2, expected, p_values[-1])


def variant_figures(metric: Metric, totals: VariantTotals, alpha: float) -> VariantFigures:
    """Return what one variant did, without comparing it.

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


def as_json(value: Any) -> Any:
    """Return a result as plain JSON values: named fields as objects, intervals as pairs.

    >>> as_json([Interval(0.1, 0.2), SampleRatio("ok", 1.0, 0.0, {"a": 5.0}, None)])[0]
    [0.1, 0.2]
    """
    if isinstance(value, Interval):
        return [value.low, value.high]
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: as_json(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return {name: as_json(item) for name, item in value._asdict().items()}
    if isinstance(value, Mapping):
        return {name: as_json(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(item) for item in value]
    return value


def _family(result: MetricResult) -> Role | None:
    """Return the role whose family the shown p-value is adjusted in; late metrics are exploratory."""
    return None if result.late or result.role is Role.SECONDARY else result.role
