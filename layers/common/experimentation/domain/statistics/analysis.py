"""The whole analysis of an experiment: everything that the full results answer shows, from exact sums."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import NamedTuple

from experimentation.domain.statistics.comparison import Circumstances, Comparison, compare_variant
from experimentation.domain.statistics.decision import Readiness
from experimentation.domain.statistics.lift import Interval
from experimentation.domain.statistics.looks import Look, Verdict, kept_verdicts
from experimentation.domain.statistics.moments import as_float
from experimentation.domain.statistics.multiplicity import benjamini_hochberg, holm
from experimentation.domain.statistics.proportions import Rate, wilson
from experimentation.domain.statistics.srm import MISMATCH, srm_chi2, srm_sequential_dirichlet
from experimentation.domain.statistics.study import (
    Correction,
    Metric,
    MetricTotals,
    Progress,
    Query,
    Study,
    VariantTotals,
    enough_days,
    metric_moments,
    planned_end_reached,
)
from experimentation.domain.statistics.verdict import Judged, Recommendation, recommendation


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
    event_type: str
    kind: str
    role: str | None
    direction: str
    variants: dict[str, VariantFigures]
    comparisons: dict[str, Comparison]


class Analysis(NamedTuple):
    """The answer; an exploratory one carries no recommendation."""

    analysis: str
    confidence_level: float
    exploratory: bool
    enrolled: dict[str, int]
    srm: SampleRatio
    metrics: list[MetricResult]
    recommendation: Recommendation | None
    verdicts: dict[str, Verdict]


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
    users = {variant: enrolled.get(variant, 0) for variant in study.weights}
    srm = sample_ratio(study, users, enrolment_batches)
    readiness = Readiness(
        mismatch=srm.status == MISMATCH,
        enough_users=all(count >= study.min_users for count in users.values()),
        enough_days=enough_days(study, progress),
        ended=planned_end_reached(study, progress, sum(users.values())),
    )
    circumstances = Circumstances(readiness.mismatch, readiness.ended)
    results = [_metric_result(study, query, totals, circumstances) for totals in metrics]
    results = _with_adjusted_p_values(results, query.correction)
    verdict = None
    if query.declared:
        judged = [
            Judged(totals.metric, result.variants[study.control].mean, result.comparisons)
            for totals, result in zip(metrics, results, strict=True)
            if totals.metric.role is not None
        ]
        verdict = recommendation(study, progress, users, readiness, judged)
    exploratory = not query.declared
    analysis = Analysis(
        study.analysis, query.confidence_level, exploratory, users, srm, results, verdict, verdicts={}
    )
    return analysis._replace(verdicts=kept_verdicts(looks, _look(study, progress, analysis, day=0)))


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
    analysis = analyse(study, progress, Query(), enrolled, metrics, enrolment_batches, looks)
    return _look(study, progress, analysis, day)


def _look(study: Study, progress: Progress, analysis: Analysis, day: int) -> Look:
    advice = analysis.recommendation
    figures = {
        metric.key: {
            treatment: each.deciding
            for treatment, each in metric.comparisons.items()
            if each.deciding is not None
        }
        for metric in analysis.metrics
    }
    return Look(
        day,
        progress.completed,
        analysis.enrolled,
        analysis.srm.status == MISMATCH,
        planned_end_reached(study, progress, sum(analysis.enrolled.values())),
        "keep_running" if advice is None else advice.action,
        {} if advice is None else advice.by_variant,
        {},
        figures,
    )


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

    >>> metric = Metric("bought", "purchase", "conversion", "increase", "primary")
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


def as_json(value: object) -> object:
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


def _metric_result(
    study: Study, query: Query, totals: MetricTotals, circumstances: Circumstances
) -> MetricResult:
    metric = totals.metric
    return MetricResult(
        metric.key,
        metric.event_type,
        metric.kind,
        metric.role,
        metric.direction,
        {
            variant: variant_figures(metric, totals.variants[variant], query.alpha)
            for variant in study.weights
        },
        {
            treatment: compare_variant(study, query, totals, treatment, circumstances)
            for treatment in study.treatments
        },
    )


def _with_adjusted_p_values(results: Sequence[MetricResult], correction: Correction) -> list[MetricResult]:
    """Adjust p-values family by family: primaries by Holm (or as asked), the others by Benjamini-Hochberg.

    Guardrails keep their own p-value: a correction would hide harm. Source: STATISTICS 6.
    """
    if correction == "none":
        return list(results)
    primary = holm if correction == "holm" else benjamini_hochberg
    adjusted: dict[tuple[int, str], float | None] = {}
    for family, method in (("primary", primary), ("other", benjamini_hochberg)):
        places = [
            (index, treatment)
            for index, result in enumerate(results)
            if _family(result) == family
            for treatment in result.comparisons
        ]
        p_values = [results[index].comparisons[treatment].p_value for index, treatment in places]
        adjusted.update(zip(places, method(p_values), strict=True))
    return [
        result._replace(
            comparisons={
                treatment: comparison._replace(
                    adjusted_p_value=adjusted.get((index, treatment), comparison.p_value)
                )
                for treatment, comparison in result.comparisons.items()
            }
        )
        for index, result in enumerate(results)
    ]


def _family(result: MetricResult) -> str:
    return "other" if result.role in {None, "secondary"} else str(result.role)
