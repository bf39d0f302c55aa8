"""Which standard error an interval rests on where a small arm is skewed: the larger of two."""

from math import sqrt
from operator import mul

import numpy as np
import pytest

from experimentation.domain.experiment import Adjustment, Direction, Kind, Role
from experimentation.domain.experiment import Analysis as Mode
from experimentation.domain.statistics.analysis import take_look
from experimentation.domain.statistics.group_sequential import boundary
from experimentation.domain.statistics.sequential import sequence_multiplier
from experimentation.domain.statistics.study import (
    CovariateSums,
    Metric,
    MetricTotals,
    Progress,
    VariantTotals,
)
from tests.domain.statistics.test_analysis import STUDY, conversions, result_of

UNEVEN = STUDY._replace(weights={"control": 900_000, "treatment": 100_000})
REVENUE = Metric("revenue", "purchase", Kind.VALUE, Direction.INCREASE, Role.PRIMARY)


def pooled_se(samples: list[np.ndarray]) -> float:
    n = [len(each) for each in samples]
    squares = sum((len(each) - 1) * float(each.var(ddof=1)) for each in samples)
    return sqrt(squares / (sum(n) - 2) * (1 / n[0] + 1 / n[1]))


def test_early_bounds_of_rates_rest_on_the_larger_error_too() -> None:
    study = UNEVEN._replace(analysis=Mode.GROUP_SEQUENTIAL, planned_users=20_000)
    arms = {"control": (9000, 900), "treatment": (1000, 60)}
    people = [np.repeat([1.0, 0.0], [c, n - c]) for n, c in arms.values()]
    progress = Progress(days_running=9, completed=False, users_per_day=None)

    look = take_look(study, progress, {"control": 9000, "treatment": 1000}, [conversions(arms)], [], [], 9)

    deciding = look.figures["purchase_rate"]["treatment"]
    assert deciding.method == "group_sequential"
    assert deciding.interval is not None
    half = (deciding.interval.high - deciding.interval.low) / 2
    bound = boundary((0.5,), 0.05).bounds[0]
    assert half == pytest.approx(bound * pooled_se(people), rel=1e-9)
    welch = sqrt(sum(float(each.var(ddof=1)) / len(each) for each in people))
    assert half > 1.1 * bound * welch


def values(samples: dict[str, np.ndarray], history: dict[str, np.ndarray] | None = None) -> MetricTotals:
    """Return exact totals of whole values, and of whole values before."""
    totals = {}
    for arm, sample in samples.items():
        y = [int(each) for each in sample]
        before = None
        if history is not None:
            x = [int(each) for each in history[arm]]
            before = CovariateSums(sum(x), sum(a * a for a in x), sum(map(mul, x, y)))
        spent = sum(each > 0 for each in y)
        totals[arm] = VariantTotals(len(y), spent, spent, sum(y), sum(each * each for each in y), before)
    return MetricTotals(REVENUE, totals)


def test_no_interval_that_claims_any_day_rests_on_the_smaller_error() -> None:
    chance = np.random.default_rng(14)
    before = {"control": chance.integers(1, 30, 4500), "treatment": chance.integers(1, 30, 500)}
    during = {
        "control": before["control"] + chance.lognormal(2, 2, 4500).astype(int),
        "treatment": before["treatment"] + chance.lognormal(2, 1, 500).astype(int),
    }
    raw, adjusted = (
        result_of(values(during, before), study=UNEVEN._replace(adjustment=adjustment))
        .metrics[0]
        .comparisons["treatment"]
        for adjustment in (Adjustment.NONE, Adjustment.CUPED)
    )
    assert raw.always_valid is not None
    assert raw.always_valid.interval is not None
    assert adjusted.cuped.adjusted is not None

    half = (raw.always_valid.interval.high - raw.always_valid.interval.low) / 2
    reach = sequence_multiplier(5000, 0.05, 40_000)
    assert half == pytest.approx(reach * pooled_se([during["control"], during["treatment"]]), rel=1e-9)
    assert raw.cuped.unadjusted.always_valid == raw.always_valid
    assert adjusted.cuped.unadjusted.always_valid == raw.always_valid
    assert adjusted.cuped.decides
    assert adjusted.cuped.adjusted.always_valid == adjusted.always_valid
