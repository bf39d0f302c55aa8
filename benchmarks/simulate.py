"""Simulated experiments against the engine: do its error rates and power hold when it is looked at daily?

Every look is made by numpy in one go, by the rules that `analyse` follows; of every row some looks are drawn
and asked of the engine itself, and one that differs ends the run.
"""

import sys
from collections.abc import Callable, Iterator
from math import sqrt
from typing import NamedTuple

import numpy as np
from scipy.stats import t

from benchmarks.engine_check import (
    CHECKED,
    MIN_DAYS,
    MIN_USERS,
    called_by_engine,
    check,
    check_kept,
    totals_of,
)
from benchmarks.simulated_looks import (
    ALPHA,
    Array,
    Looks,
    Plan,
    any_day_sign,
    arm_of,
    exact_days,
    exact_rejects,
    mismatched,
    multiplier,
    sequential_mismatch,
    simulated,
    z_of,
)
from experimentation.domain.experiment import Analysis, Kind
from experimentation.domain.statistics.group_sequential import boundary
from experimentation.domain.statistics.study import CovariateSums, VariantTotals

SEED = 20_261_122
DAYS = 28
GUARD_ALPHA = 0.005


class Row(NamedTuple):
    """One simulated share and the range it must lie in."""

    name: str
    runs: int
    users_a_day: int
    split: str
    share: float
    low: float
    high: float

    @property
    def holds(self) -> bool:
        """Say whether the share is inside its bar, widened by three standard errors of the simulation."""
        below, above = (3 * sqrt(bar * (1 - bar) / self.runs) for bar in (self.low, self.high))
        return self.low - below <= self.share <= self.high + above


def false_verdicts(looks: Looks, plan: Plan, proven: Array) -> Array:
    """Return, by run, whether some look says ship or do_not_ship without a reason."""
    days = np.arange(1, proven.shape[1] + 1)
    ready = (days >= MIN_DAYS) & (np.minimum(*looks.n) >= MIN_USERS)
    split_off = mismatched(looks, plan.share)
    ships = (proven > 0) & ready & ~split_off
    stops = (proven < 0) & ~split_off  # harm does not wait
    return (ships | stops).any(axis=1)


def conversions() -> Iterator[Plan]:
    """Return the rows of rates."""
    for rate in (0.005, 0.02, 0.1, 0.2):
        for share, users in ((0.5, 1000), (0.1, 1000), (0.01, 4000)):
            yield Plan(f"conversion {100 * rate:g} %", Kind.CONVERSION, users, share, rate)


def revenues() -> Iterator[Plan]:
    """Return the rows of log-normal revenue."""
    for sigma in (1.5, 2.0):
        for payers in (0.05, 0.2):
            for share, users in ((0.5, 1000), (0.1, 1000), (0.05, 2000), (0.01, 5000)):
                name = f"revenue, sigma {sigma:g}, {100 * payers:g} % pay"
                yield Plan(name, Kind.VALUE, users, share, payers, sigma)


def counts() -> Iterator[Plan]:
    """Return the rows of counts."""
    for share in (0.5, 0.1):
        yield Plan("count, 20 % active", Kind.COUNT, 1000, share, 0.2)


def no_effect(plan: Plan, runs: int, random: np.random.Generator) -> Row:
    """Return a row of A/A experiments with the default analysis, looked at on 28 days."""
    looks = simulated(plan, runs, DAYS, random)
    proven = any_day_sign(looks, plan)
    check(looks, plan, proven, random)
    share = float(false_verdicts(looks, plan, proven).mean())
    return Row(plan.name, runs, plan.users_a_day, plan.split, share, 0.0, ALPHA)


def fixed_twice(runs: int, random: np.random.Generator) -> Row:
    """Return a row of fixed experiments that are looked at until twice their plan: the first look stands."""
    plan = Plan("fixed, read on every day until twice its plan", Kind.CONVERSION, 1000, 0.5, 0.1)
    planned = 14_000
    looks = simulated(plan, runs, DAYS, random)
    z, _ = z_of(looks, plan.kind)
    met = (sum(looks.n) >= planned) & (np.arange(1, DAYS + 1) >= MIN_DAYS)
    first = np.argmax(met, axis=1)
    called = np.abs(z[np.arange(runs), first]) > t.isf(ALPHA / 2, planned - 2)
    check_kept(looks, planned, Analysis.FIXED, called)
    return Row(plan.name, runs, 1000, plan.split, float(called.mean()), 0.0, ALPHA)


GROUP_SEQUENTIAL = Plan("group sequential, 14 daily looks", Kind.CONVERSION, 2000, 0.5, 0.1)
FOUND = f"{GROUP_SEQUENTIAL.name}, 10 % -> 11 %"
UNEVEN = (  # from 200 users a day on in the small arm, who are enough for a look on every day
    GROUP_SEQUENTIAL._replace(name="group sequential, 2 %", share=0.1, rate=0.02),
    GROUP_SEQUENTIAL._replace(name="group sequential, 2 %", users_a_day=20_000, share=0.01, rate=0.02),
)


def group_sequential(plan: Plan, runs: int, random: np.random.Generator) -> Row:
    """Return a row of group-sequential experiments with 14 daily looks; few converters by the exact test."""
    looks = exact_days(plan, runs, 14, random)
    z, silent = z_of(looks, plan.kind, cautious=True)
    bounds = np.array(boundary(tuple((day + 1) / 14 for day in range(14)), ALPHA).bounds)
    rejected = np.where(silent, exact_rejects(looks, plan.share, ALPHA), np.abs(z) > bounds)
    called = rejected.any(axis=1)
    check_kept(looks, 14 * plan.users_a_day, Analysis.GROUP_SEQUENTIAL, called, plan.share)
    low, high = (0.0, ALPHA) if plan.effect == 1 else (0.74, 0.80)
    return Row(plan.name, runs, plan.users_a_day, plan.split, float(called.mean()), low, high)


def cuped(runs: int, random: np.random.Generator) -> Row:
    """Return a row of A/A experiments decided by the CUPED-adjusted sequence (visits of regular users)."""
    per_day, days = 200, DAYS
    sums = np.zeros((2, 6, runs, days))
    for arm in range(2):
        for day in range(days):
            taste = random.gamma(1.0, 3.0, (runs, per_day))
            x, y = random.poisson(taste).astype(float), random.poisson(taste).astype(float)
            for place, value in enumerate((np.ones_like(x), y, y * y, x, x * x, x * y)):
                sums[arm, place, :, day] = value.sum(axis=1)
    n, sy, qy, sx, qx, sxy = sums.cumsum(axis=3).transpose(1, 0, 2, 3)
    both = [part.sum(axis=0) for part in (n, sy, qy, sx, qx, sxy)]
    covariance = (both[5] - both[3] * both[1] / both[0]) / (both[0] - 1)
    theta = covariance / ((both[4] - both[3] ** 2 / both[0]) / (both[0] - 1))
    vy, vx = ((q - s * s / n) / (n - 1) for q, s in ((qy, sy), (qx, sx)))
    v = vy + theta**2 * vx - 2 * theta * (sxy - sx * sy / n) / (n - 1)
    difference = (sy[1] / n[1] - sy[0] / n[0]) - theta * (sx[1] / n[1] - sx[0] / n[0])
    pooled = ((n[0] - 1) * v[0] + (n[1] - 1) * v[1]) / (both[0] - 2) * (1 / n[0] + 1 / n[1])
    z = difference / np.sqrt(np.maximum(v[0] / n[0] + v[1] / n[1], pooled))
    called = np.abs(z) > multiplier(both[0], ALPHA, 5000)
    for run in random.integers(0, runs, CHECKED):
        day = int(random.integers(0, days))
        totals = [
            totals_of(n[a, run, day], n[a, run, day], sy[a, run, day], qy[a, run, day], Kind.COUNT)
            for a in (0, 1)
        ]
        arms = [
            VariantTotals(
                *(getattr(each, field) for field in ("users", "converters", "count", "sum", "squares")),
                CovariateSums(*(int(part[a, run, day]) for part in (sx, qx, sxy))),
            )
            for a, each in enumerate(totals)
        ]
        found = called_by_engine(arms, Kind.COUNT, 0.5, day + 1)
        if found != bool(called[run, day]):
            raise SystemExit("the engine and the simulation disagree about CUPED")
    name = "CUPED decides, visits of regular users"
    return Row(name, runs, 2 * per_day, "50/50", float(called.any(axis=1).mean()), 0.0, ALPHA)


def rare_harm(runs: int, random: np.random.Generator) -> Row:
    """Return how often a guardrail that never fails in the control is found harmed by day 14."""
    plan = Plan("guardrail 0 -> 0.3 %, found by day 14", Kind.CONVERSION, 2000, 0.5, 0.0)
    looks = simulated(plan, runs, 14, random)
    harmed = arm_of(plan, runs, 14, 1000, 0.003, random)
    looks = Looks(*((own[0], other) for own, other in zip(looks, harmed, strict=True)))
    proven = any_day_sign(looks, plan)
    check(looks, plan, proven, random)
    return Row(
        plan.name, runs, plan.users_a_day, plan.split, float((proven > 0).any(axis=1).mean()), 0.95, 1.0
    )


def guard(plan: Plan, runs: int, random: np.random.Generator) -> Row:
    """Return how often the rollout guard pauses an A/A experiment; between daily looks it looks 24 times."""
    hours = DAYS * 24
    hourly = plan._replace(users_a_day=max(1, plan.users_a_day // 24))
    looks = simulated(hourly, runs, hours, random)
    harmed = (any_day_sign(looks, plan, GUARD_ALPHA) < 0).any(axis=1)
    paused = harmed | (sequential_mismatch(looks, plan.share) < 0.001).any(axis=1)
    name = f"guard pauses an A/A, {plan.name}"
    return Row(name, runs, hourly.users_a_day * 24, plan.split, float(paused.mean()), 0.0, 0.01)


def before(runs: int, random: np.random.Generator) -> Iterator[Row]:
    """Return the rows of 14 daily looks at 1,000 users a day and arm, 10 % base rate."""
    plan = Plan("A/A", Kind.CONVERSION, 2000, 0.5, 0.1)
    effect = plan._replace(name="10 % -> 11 %", effect=1.1)
    null, moved = (exact_days(each, runs, 14, random) for each in (plan, effect))
    critical = t.isf(ALPHA / 2, null.n[0] + null.n[1] - 2)
    (z, _), (y, _) = z_of(null, plan.kind), z_of(moved, plan.kind)
    for looks in (null, moved):
        check(looks, plan._replace(name="14 looks"), any_day_sign(looks, plan), random)

    def row(name: str, share: Array, low: float, high: float) -> Row:
        return Row(name, runs, 2000, "50/50", float(share.mean()), low, high)

    peeked = np.abs(z) > critical
    yield row("A/A, sequence, 14 daily looks", any_day_sign(null, plan).any(axis=1), 0.0, 0.05)
    yield row("A/A, fixed interval under the same peeking", peeked.any(axis=1), 0.15, 1.0)
    yield row("A/A, fixed interval, one look", peeked[:, -1], 0.04, 0.06)
    yield row("10 % -> 11 %, fixed at the end", np.abs(y[:, -1]) > critical[:, -1], 0.75, 0.82)
    for tuning_n, low, high in ((5000, 0.38, 0.47), (28_000, 0.42, 1.0)):
        found = any_day_sign(moved, plan, tuning_n=tuning_n).any(axis=1)
        yield row(f"10 % -> 11 %, sequence, N* = {tuning_n}", found, low, high)


def rows(
    runs: Callable[[int], int], chosen: Callable[[str], bool] = lambda _: True, guards: bool = True
) -> Iterator[Row]:
    """Return every row that is chosen by name; `runs` says how many of the usual number to make."""
    random = np.random.default_rng(SEED)
    yield from before(runs(2000), random)
    for plan in (*conversions(), *revenues(), *counts()):
        if chosen(plan.name):
            yield no_effect(plan, runs(1000 if plan.kind is Kind.VALUE else 2000), random)
    yield fixed_twice(runs(2000), random)
    yield cuped(runs(500), random)
    yield group_sequential(GROUP_SEQUENTIAL, runs(2000), random)
    yield group_sequential(GROUP_SEQUENTIAL._replace(name=FOUND, effect=1.1), runs(2000), random)
    yield rare_harm(runs(1000), random)
    for plan in UNEVEN:
        yield group_sequential(plan, runs(4000), random)
    for plan in (
        ()
        if not guards
        else (
            Plan("10 %", Kind.CONVERSION, 2400, 0.5, 0.1),
            Plan("0.5 %", Kind.CONVERSION, 2400, 0.5, 0.005),
            Plan("2 %", Kind.CONVERSION, 2400, 0.1, 0.02),
        )
    ):
        yield guard(plan, runs(1000), random)


def main() -> int:
    """Print each row beside its bar; return 1 when one is outside."""
    found = []
    print(f"{'row':<52} {'runs':>5} {'users/day':>9} {'split':>6} {'share':>8}   bar")
    for row in rows(lambda usual: usual):
        found.append(row)
        word = "ok" if row.holds else "OUTSIDE"
        print(
            f"{row.name:<52} {row.runs:>5} {row.users_a_day:>9} {row.split:>6} {row.share:>8.2%}"
            f"   {row.low:.0%} to {row.high:.0%}   {word}",
            flush=True,
        )
    return 0 if all(row.holds for row in found) else 1


if __name__ == "__main__":
    sys.exit(main())
