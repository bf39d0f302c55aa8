"""The results as JSON documents: the full answer, the summary, the metrics alone, one segment."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from experimentation.domain.clock import DAY_MS, day_number, rfc3339, rfc3339_or_none
from experimentation.domain.document import ending
from experimentation.domain.experiment import Experiment, Kind, Status
from experimentation.domain.results.caveats import Caveats, warnings
from experimentation.domain.results.plan import plan
from experimentation.domain.results.totals import Span
from experimentation.domain.statistics.answer import Analysis, MetricResult
from experimentation.domain.statistics.lift import Interval
from experimentation.domain.statistics.looks import Verdict
from experimentation.domain.statistics.means import mean_interval
from experimentation.domain.statistics.moments import as_float
from experimentation.domain.statistics.summary import quoted, summary_sentence
from experimentation.domain.statistics.wording import day_name

type Document = dict[str, Any]
NONE = Caveats()
_VERDICT_FIGURES = ("lift", "lift_interval", "difference", "interval")


def full(
    experiment: Experiment,
    analysis: Analysis,
    span: Span,
    as_of: int | None,
    caveats: Caveats = NONE,
    *,
    chosen_window: bool,
) -> Document:
    """Return everything; `null` where something cannot be computed."""
    document: Document = {
        "experiment_id": experiment.id,
        "name": experiment.name,
        "status": experiment.status.value,
        "as_of": rfc3339_or_none(as_of),
        "window": _window(experiment, span, as_of, chosen=chosen_window),
        "analysis": analysis.analysis.value,
        "adjustment": experiment.adjustment.value,
        "confidence_level": analysis.confidence_level,
        "exploratory": analysis.exploratory,
        "control": experiment.control,
        "summary": summary_sentence(analysis),
        "enrolled": analysis.enrolled,
        "late": dict(caveats.late),
        "crossovers": dict(caveats.crossovers),
        "warnings": warnings(caveats, analysis.enrolled),
        "srm": analysis.srm._asdict(),
        "metrics": metrics(analysis, caveats),
        "recommendation": _recommendation(analysis),
        **ending(experiment),
    }
    if experiment.status is Status.DRAFT:
        document["plan"] = _plan(experiment)
    return document


def summary(
    experiment: Experiment, analysis: Analysis, as_of: int | None, caveats: Caveats = NONE
) -> Document:
    """Return the decision in a sentence, each variant's headline, and whether the numbers can be trusted."""
    headline = analysis.headline
    return {
        "experiment_id": experiment.id,
        "name": experiment.name,
        "status": experiment.status.value,
        "as_of": rfc3339_or_none(as_of),
        "summary": summary_sentence(analysis),
        "variants": {key: _headline(analysis, headline, key) for key in analysis.enrolled},
        "warnings": warnings(caveats, analysis.enrolled),
        "srm": analysis.srm._asdict(),
        "recommendation": _recommendation(analysis),
        **ending(experiment),
    }


def metrics(analysis: Analysis, caveats: Caveats = NONE) -> list[Document]:
    """Return the metrics alone."""
    return [
        _metric(result, analysis.alpha) | {"partial": result.event_type in caveats.partial}
        for result in analysis.metrics
    ]


def segment(label: str, analysis: Analysis, caveats: Caveats = NONE) -> Document:
    """Return one segment's figures."""
    return {
        "segment": label,
        "enrolled": analysis.enrolled,
        "srm": analysis.srm._asdict(),
        "metrics": metrics(analysis, caveats),
    }


def _metric(result: MetricResult, alpha: float) -> Document:
    shown: Document = as_json(result)
    for treatment, comparison in shown["comparisons"].items():
        comparison["quoted"] = as_json(quoted(result.comparisons[treatment], alpha))
        if comparison["deciding"] is not None:
            comparison["deciding"]["look"] = _day(comparison["deciding"]["look"])
    return shown


def _headline(analysis: Analysis, metric: MetricResult | None, key: str) -> Document:
    shown: Document = {"enrolled": analysis.enrolled[key]}
    if metric is None:
        return shown
    figures, comparison = metric.variants[key], metric.comparisons.get(key)
    shown |= {"metric": metric.key, "metric_name": metric.name, "mean": figures.mean}
    if metric.kind is Kind.CONVERSION:
        shown |= {"rate": figures.rate, "rate_interval": figures.rate_interval}
    else:
        shown["mean_interval"] = mean_interval(figures.users, figures.mean, figures.variance, analysis.alpha)
    if comparison is not None:
        quote = quoted(comparison, analysis.alpha)
        shown |= {
            "lift": quote.lift,
            "lift_interval": quote.lift_interval,
            "interval_kind": quote.kind,
            "tendency": comparison.tendency,
            "confidence": comparison.confidence,
        }
    return shown


def _recommendation(analysis: Analysis) -> Document | None:
    advice = analysis.recommendation
    if advice is None:
        return None
    shown: Document = as_json(advice)
    verdicts = [_verdict(verdict) for verdict in analysis.verdicts.values()]
    return shown | {"decided_on": _day(advice.decided_on), "verdicts": verdicts}


def _verdict(verdict: Verdict) -> Document:
    return {
        "variant": verdict.treatment,
        "action": verdict.action,
        "decided_on": _day(verdict.decided_on),
        "metric": verdict.metric,
        **{name: getattr(verdict.figures, name, None) for name in _VERDICT_FIGURES},
        "fallen": verdict.fallen,
    }


def _day(day: int | None) -> str | None:
    return None if day is None else day_name(day)


def _window(experiment: Experiment, span: Span, as_of: int | None, *, chosen: bool) -> Document:
    """Return the days asked for, else from the start to the end, or to `as_of` before the end."""
    if experiment.started_at is None:
        return {"start": None, "end": None}
    if not chosen:
        end = experiment.ended_at or as_of
        return {"start": rfc3339(experiment.started_at), "end": rfc3339_or_none(end)}
    zero = day_number(experiment.started_at)
    return {
        "start": rfc3339((zero + span.first) * DAY_MS),
        "end": rfc3339((zero + span.last + 1) * DAY_MS - 1),
    }


def _plan(experiment: Experiment) -> Document:
    """Return what a draft's plan needs and can detect, over usual baselines."""
    return {
        "planned_users": experiment.planned_users,
        "minimum_effect": as_float(experiment.minimum_effect),
        "analysis": experiment.analysis.value,
        "by_baseline": [each._asdict() for each in plan(experiment)],
        "for_another_baseline": f"/sample-size?experiment_id={experiment.id}&baseline_rate=",
    }


def as_json(value: Any) -> Any:
    """Return a result as plain JSON values: named fields as objects, intervals as pairs.

    >>> as_json({"interval": Interval(0.1, 0.2)})
    {'interval': [0.1, 0.2]}
    """
    named = _named(value)
    if named is not None:
        return {name: as_json(item) for name, item in named.items()}
    return [as_json(item) for item in value] if isinstance(value, (list, tuple)) else value


def _named(value: Any) -> Mapping[str, Any] | None:
    """Return what has names in a named tuple (an interval has none), a mapping or a dataclass, else None."""
    if isinstance(value, tuple):
        return value._asdict() if hasattr(value, "_asdict") and not isinstance(value, Interval) else None
    if isinstance(value, Mapping):
        return value
    if is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    return None
