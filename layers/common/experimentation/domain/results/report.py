"""What the results answer looks like: for an executive, for everyone, and for a program."""

from collections.abc import Mapping
from dataclasses import asdict

from experimentation.domain.clock import DAY_MS, day_number, rfc3339
from experimentation.domain.experiment import Experiment, Status
from experimentation.domain.results.plan import plan
from experimentation.domain.results.totals import Span
from experimentation.domain.statistics.analysis import Analysis, MetricResult
from experimentation.domain.statistics.comparison import Comparison
from experimentation.domain.statistics.summary import summary_sentence

type Document = dict[str, object]


def full(
    experiment: Experiment, analysis: Analysis, span: Span, as_of: int | None, *, chosen_window: bool
) -> Document:
    """Return everything; `null` where something cannot be computed."""
    document: Document = {
        "experiment_id": experiment.id,
        "name": experiment.name,
        "status": experiment.status.value,
        "as_of": None if as_of is None else rfc3339(as_of),
        "window": _window(experiment, span, as_of, chosen=chosen_window),
        "analysis": analysis.analysis,
        "confidence_level": analysis.confidence_level,
        "exploratory": analysis.exploratory,
        "control": experiment.control,
        "summary": summary_sentence(analysis),
        "enrolled": analysis.enrolled,
        "srm": analysis.srm._asdict(),
        "metrics": metrics(analysis),
        "recommendation": _recommendation(analysis),
    }
    if experiment.status is Status.DRAFT:
        document["plan"] = _plan(experiment)
    return document


def summary(experiment: Experiment, analysis: Analysis, as_of: int | None) -> Document:
    """Return the decision in a sentence, each variant's headline, and whether the numbers can be trusted."""
    headline = next((each for each in analysis.metrics if each.role == "primary"), None)
    headline = headline or next(iter(analysis.metrics), None)
    return {
        "experiment_id": experiment.id,
        "name": experiment.name,
        "status": experiment.status.value,
        "as_of": None if as_of is None else rfc3339(as_of),
        "summary": summary_sentence(analysis),
        "variants": {key: _headline(analysis, headline, key) for key in analysis.enrolled},
        "srm": analysis.srm._asdict(),
        "recommendation": _recommendation(analysis),
    }


def metrics(analysis: Analysis) -> list[Document]:
    """Return the metrics alone."""
    return [_metric(result) for result in analysis.metrics]


def segment(label: str, analysis: Analysis) -> Document:
    """Return one segment's figures."""
    return {
        "segment": label,
        "enrolled": analysis.enrolled,
        "srm": analysis.srm._asdict(),
        "metrics": metrics(analysis),
    }


def _metric(result: MetricResult) -> Document:
    return result._asdict() | {
        "variants": {key: asdict(figures) for key, figures in result.variants.items()},
        "comparisons": {key: _comparison(each) for key, each in result.comparisons.items()},
    }


def _comparison(comparison: Comparison) -> Document:
    valid, deciding, cuped = comparison.always_valid, comparison.deciding, comparison.cuped
    adjusted = None if cuped.adjusted is None else cuped.adjusted._asdict()
    return comparison._asdict() | {
        "always_valid": None if valid is None else valid._asdict(),
        "deciding": None if deciding is None else deciding._asdict(),
        "cuped": cuped._asdict() | {"adjusted": adjusted, "unadjusted": cuped.unadjusted._asdict()},
    }


def _headline(analysis: Analysis, metric: MetricResult | None, key: str) -> Document:
    shown: Document = {"enrolled": analysis.enrolled[key]}
    if metric is None:
        return shown
    figures, comparison = metric.variants[key], metric.comparisons.get(key)
    shown |= {"metric": metric.key, "mean": figures.mean}
    if metric.kind == "conversion":
        shown["rate"] = figures.rate
    if comparison is not None:
        shown |= {
            "lift": comparison.lift,
            "lift_interval": comparison.lift_interval,
            "confidence": comparison.confidence,
        }
    return shown


def _recommendation(analysis: Analysis) -> Mapping[str, object] | None:
    return None if analysis.recommendation is None else analysis.recommendation._asdict()


def _window(experiment: Experiment, span: Span, as_of: int | None, *, chosen: bool) -> Document:
    """Return the days asked for, or from the start to the end or to the newest counted cell."""
    if experiment.started_at is None:
        return {"start": None, "end": None}
    if not chosen:
        end = experiment.ended_at or as_of
        return {"start": rfc3339(experiment.started_at), "end": None if end is None else rfc3339(end)}
    zero = day_number(experiment.started_at)
    return {
        "start": rfc3339((zero + span.first) * DAY_MS),
        "end": rfc3339((zero + span.last + 1) * DAY_MS - 1),
    }


def _plan(experiment: Experiment) -> Document:
    """Return what a draft's own numbers promise, over the baselines that metrics usually have."""
    return {
        "planned_users": experiment.planned_users,
        "minimum_effect": None if experiment.minimum_effect is None else float(experiment.minimum_effect),
        "analysis": experiment.analysis.value,
        "by_baseline": [each._asdict() for each in plan(experiment)],
        "for_another_baseline": f"/sample-size?experiment_id={experiment.id}&baseline_rate=",
    }
