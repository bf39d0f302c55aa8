"""The result in one or two sentences that an executive can read."""

from typing import NamedTuple

from experimentation.domain.statistics.analysis import Analysis, MetricResult
from experimentation.domain.statistics.comparison import Comparison
from experimentation.domain.statistics.lift import Interval

_ADVICE = {
    "investigate_srm": "Recommendation: do not trust these numbers; find out why the split of users is off",
    "keep_running": "Recommendation: keep running",
    "do_not_ship": "Recommendation: do not ship",
    "ship": "Recommendation: ship",
    "stop_no_meaningful_effect": "Recommendation: stop, any effect is too small to matter",
    "stop_inconclusive": "Recommendation: stop, the experiment ended without an answer",
}


class Reading(NamedTuple):
    """An estimate and its interval, as shares of the control mean or in the metric's own units."""

    estimate: float
    interval: Interval
    relative: bool
    caution: str


def summary_sentence(analysis: Analysis) -> str:
    """Return the headline finding and the recommendation in plain words.

    It speaks of the first primary metric (else of the first metric) and of the variant to ship,
    else of the treatment with the largest difference.
    """
    finding = _finding(analysis)
    if analysis.recommendation is None:
        return f"{finding} This is an exploratory view: no recommendation follows from it."
    advice = _ADVICE[analysis.recommendation.action]
    if analysis.recommendation.days_left:
        days = analysis.recommendation.days_left
        advice += f", about {days} more day{'' if days == 1 else 's'}"
    return f"{finding} {advice}."


def _finding(analysis: Analysis) -> str:
    metric = _headline_metric(analysis)
    if metric is None or not metric.comparisons:
        return "No metric has been measured."
    treatment = _headline_variant(analysis, metric)
    comparison = metric.comparisons[treatment]
    name = treatment[:1].upper() + treatment[1:]
    reading = _reading(comparison)
    if reading is None:
        return f"{name} has too little data on {metric.key} to compare with the control."
    low, high = reading.interval
    if low > 0 or high < 0:
        verb = "raises" if low > 0 else "lowers"
        near, far = sorted((abs(low), abs(high)))
        size = _amount(abs(reading.estimate), reading.relative)
        within = f"between {_amount(near, reading.relative)} and {_amount(far, reading.relative)}"
        return f"{name} {verb} {metric.key} by {size} ({within}, {reading.caution})."
    within = f"between {_amount(low, reading.relative)} and {_amount(high, reading.relative)}"
    return f"{name} shows no certain effect on {metric.key} ({within}, {reading.caution})."


def _headline_metric(analysis: Analysis) -> MetricResult | None:
    primaries = [metric for metric in analysis.metrics if metric.role == "primary"]
    return next(iter([*primaries, *analysis.metrics]), None)


def _headline_variant(analysis: Analysis, metric: MetricResult) -> str:
    if analysis.recommendation is not None and analysis.recommendation.variant is not None:
        return analysis.recommendation.variant
    return max(metric.comparisons, key=lambda treatment: abs(metric.comparisons[treatment].difference or 0.0))


def _reading(comparison: Comparison) -> Reading | None:
    """Return the figures to quote: of the declared test where it may decide, else the always-valid ones."""
    interval, lift_interval = comparison.interval, comparison.lift_interval
    caution = "do not act on a single look"
    if comparison.small_sample:
        lift_interval, caution = None, "too few outcomes to rely on"
    elif comparison.always_valid is not None:
        interval, lift_interval = comparison.always_valid.interval, comparison.always_valid.lift_interval
        caution = "safe to read on any day"
        if comparison.deciding is not None and comparison.deciding.decides:
            interval, lift_interval = comparison.deciding.interval, comparison.deciding.lift_interval
            caution = caution if comparison.deciding.analysis == "sequential" else "read at the planned end"
    if interval is None or comparison.difference is None:
        return None
    # A lift over a negative mean has the other sign than the difference, which nobody expects in a sentence.
    if lift_interval is None or comparison.lift is None or comparison.lift * comparison.difference < 0:
        return Reading(comparison.difference, interval, False, caution)
    return Reading(comparison.lift, lift_interval, True, caution)


def _amount(value: float, relative: bool) -> str:
    if not relative:
        return f"{value:.3g} per user"
    percent = 100 * value
    return f"{percent:.0f} %" if abs(percent) >= 10 else f"{percent:.2g} %"
