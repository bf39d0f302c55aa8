"""Simulated experiments against the engine: do its error rates and power hold when it is looked at daily?"""

import sys
from collections.abc import Callable, Iterator
from math import sqrt
from pathlib import Path
from typing import NamedTuple

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "layers" / "common"))

from experimentation.domain.statistics.analysis import analyse
from experimentation.domain.statistics.study import (
    AnalysisMode,
    Metric,
    MetricTotals,
    Progress,
    Query,
    Study,
    VariantTotals,
)

SEED = 20_261_122
DAYS = 14
USERS_A_DAY = 1000  # per arm
BASE_RATE = 0.10
RAISED_RATE = 0.11
METRIC = Metric("purchase_rate", "purchase", "conversion", "increase", "primary")


class Figure(NamedTuple):
    """One simulated share and the range it must lie in."""

    name: str
    share: float
    low: float
    high: float

    @property
    def holds(self) -> bool:
        """Say whether the share is inside its bar."""
        return self.low <= self.share <= self.high


class Day(NamedTuple):
    """Cumulative converters of both arms at the end of a day."""

    number: int
    control: int
    treatment: int


def experiments(count: int, rate: float, seed: int) -> Iterator[list[Day]]:
    """Return `count` experiments whose treatment converts at `rate`, as cumulative days."""
    random = np.random.default_rng(seed)
    shape = (count, DAYS)
    control = random.binomial(USERS_A_DAY, BASE_RATE, shape).cumsum(axis=1).tolist()
    treatment = random.binomial(USERS_A_DAY, rate, shape).cumsum(axis=1).tolist()
    for pair in zip(control, treatment, strict=True):
        yield [Day(number, *arms) for number, arms in enumerate(zip(*pair, strict=True), start=1)]


def is_significant(day: Day, analysis: AnalysisMode, tuning_n: int, ended: bool) -> bool:
    """Ask the engine whether its declared test calls a difference on this day."""
    users = day.number * USERS_A_DAY
    weights = {"control": 500_000, "treatment": 500_000}
    study = Study("control", weights, analysis, 1, tuning_n, min_users=0, min_days=0, minimum_effect=None)
    totals = {
        arm: VariantTotals(users, converters, converters, converters, converters)
        for arm, converters in (("control", day.control), ("treatment", day.treatment))
    }
    enrolled = {"control": users, "treatment": users}
    progress = Progress(day.number, completed=ended, users_per_day=None)
    answer = analyse(study, progress, Query(), enrolled, [MetricTotals(METRIC, totals)])
    deciding = answer.metrics[0].comparisons["treatment"].deciding
    return deciding is not None and deciding.significant


def sequential_at(tuning_n: int) -> Callable[[Day], bool]:
    """Return the look of a reader who acts on the always-valid sequence."""
    return lambda day: is_significant(day, "sequential", tuning_n, ended=False)


def peeking_at_fixed(day: Day) -> bool:
    """Look as a reader does who takes every day for the planned end."""
    return is_significant(day, "fixed", 5000, ended=True)


def share_called(runs: list[list[Day]], look: Callable[[Day], bool], final_only: bool = False) -> float:
    """Return the share of experiments in which some look (or the last one) calls a difference."""
    return sum(any(map(look, run[-1:] if final_only else run)) for run in runs) / len(runs)


def figures(count: int, widened_by: float = 0.0) -> list[Figure]:
    """Return every figure with its bar; a small count needs it wider by some standard deviations."""
    null = list(experiments(count, BASE_RATE, SEED))
    effect = list(experiments(count, RAISED_RATE, SEED + 1))
    at_5000, at_28000 = sequential_at(5000), sequential_at(28_000)
    bars = [
        ("A/A, sequence, 14 daily looks", share_called(null, at_5000), 0.0, 0.05),
        ("A/A, fixed interval under the same peeking", share_called(null, peeking_at_fixed), 0.15, 1.0),
        ("A/A, fixed interval, one look", share_called(null, peeking_at_fixed, final_only=True), 0.04, 0.06),
        (
            "10 % -> 11 %, fixed at the end",
            share_called(effect, peeking_at_fixed, final_only=True),
            0.75,
            0.82,
        ),
        ("10 % -> 11 %, sequence, N* = 5000", share_called(effect, at_5000), 0.38, 0.47),
        ("10 % -> 11 %, sequence, N* = 28000", share_called(effect, at_28000), 0.42, 1.0),
    ]
    return [
        Figure(name, share, low - widened_by * _spread(low, count), high + widened_by * _spread(high, count))
        for name, share, low, high in bars
    ]


def _spread(share: float, count: int) -> float:
    return sqrt(share * (1 - share) / count)


def main() -> int:
    """Print each figure beside its bar; return 1 when one is outside."""
    measured = figures(2000)
    for figure in measured:
        word = "ok" if figure.holds else "OUTSIDE"
        print(f"{figure.name:<45} {figure.share:7.2%}   bar {figure.low:.0%} to {figure.high:.0%}   {word}")
    return 0 if all(figure.holds for figure in measured) else 1


if __name__ == "__main__":
    sys.exit(main())
