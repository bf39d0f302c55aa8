"""The guard's tests, run every few minutes on a running experiment, with an error rate of their own.

All guardrails and treatments share HARM_ALPHA (Bonferroni), and the sequence, the exact test and the mismatch
test hold at every look: an experiment without any effect is paused in under 1 % of cases, however often one
looks (benchmarks/simulate_guard.py).
"""

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from experimentation.domain.statistics.analysis import sample_ratio
from experimentation.domain.statistics.deciding import Test
from experimentation.domain.statistics.examining import Examined, Moment, examine
from experimentation.domain.statistics.harm import is_harmed
from experimentation.domain.statistics.study import MetricTotals, Query, Study
from experimentation.domain.statistics.wording import amount, count, percent, spread

HARM_ALPHA = 0.005
MISMATCH_ALPHA = 0.001


class Danger(StrEnum):
    """A kind of harm to users or to the results."""

    HARM = "harm"
    MISMATCH = "mismatch"


class Finding(NamedTuple):
    """A proven danger; `subject` is the guardrail and the treatment, `figures` are what proved it."""

    danger: Danger
    subject: tuple[str, ...]
    sentence: str
    figures: Mapping[str, object]


def dangers(
    study: Study,
    guardrails: Sequence[MetricTotals],
    enrolled: Mapping[str, int],
    batches: Sequence[Mapping[str, int]],
) -> list[Finding]:
    """Return what is proven now; `guardrails` are those that were declared before the start."""
    return [*_mismatch(study, enrolled, batches), *_harm(study, guardrails)]


def _mismatch(
    study: Study, enrolled: Mapping[str, int], batches: Sequence[Mapping[str, int]]
) -> Iterator[Finding]:
    if len(study.active) < 2:
        return
    ratio = sample_ratio(study, enrolled, batches)
    p_value = ratio.sequential_p_value
    if p_value is not None and p_value < MISMATCH_ALPHA:
        users = ", ".join(f"{study.title(key)} {count(enrolled.get(key, 0))}" for key in study.active)
        figures = {"enrolled": dict(enrolled), "p_value": p_value, "alpha": MISMATCH_ALPHA}
        sentence = f"users are not split as the weights say ({users}; p = {p_value:.1g})"
        yield Finding(Danger.MISMATCH, (), sentence, figures)


def _harm(study: Study, guardrails: Sequence[MetricTotals]) -> Iterator[Finding]:
    pairs = [(totals, treatment) for totals in guardrails for treatment in study.treatments]
    for totals, treatment in pairs:
        # An empty Moment: the guard's test must hold at every run, not only at the looks of a plan.
        examined = examine(study, Query(), totals, treatment, Moment())
        alpha = HARM_ALPHA / len(pairs)
        if examined.any_day is not None and is_harmed(examined, alpha):
            yield _harmed(study, examined, examined.any_day, alpha)


def _harmed(study: Study, examined: Examined, test: Test, alpha: float) -> Finding:
    metric, treatment = examined.metric, examined.treatment
    arms = dict(zip((study.control, treatment), examined.both, strict=True))
    interval, difference = test.interval(alpha), examined.shown.diff
    figures = {
        "metric": metric.key,
        "variant": treatment,
        "users": {key: arm.users for key, arm in arms.items()},
        "converters": {key: arm.converters for key, arm in arms.items()},
        "difference": difference,
        "interval": list(interval),
        "p_value": test.p_value,
        "alpha": alpha,
        "margin": metric.margin,
    }
    size = "" if difference is None else f" by {amount(difference, metric.kind)}"
    between = spread(interval, metric.kind)
    beyond = "" if metric.margin is None else f", beyond its margin of {percent(metric.margin)}"
    sentence = f"{metric.title} is worse{size} with {study.title(treatment)} ({between}){beyond}"
    return Finding(Danger.HARM, (metric.key, treatment), sentence, figures)
