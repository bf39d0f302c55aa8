"""The guard, which looks every five minutes: whom does it pause without a reason, and how soon with one?

Each experiment lasts 28 days, has one guardrail (with several each has a smaller error rate) and users who come at
random and act at once. The looks are made by numpy in one go, by the rules of domain/statistics/guarding.py; of every
row some are asked of the engine itself, and one that differs ends the run.
"""

import sys
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from benchmarks.engine_check import totals_of
from benchmarks.simulate import SEED, Row
from benchmarks.simulated_looks import (
    ALPHA,
    Array,
    Looks,
    Plan,
    any_day_sign,
    exact_rejects,
    sequential_mismatch,
    small,
    z_of,
)
from experimentation.domain.experiment import Analysis, Direction, Kind, Role
from experimentation.domain.statistics.guarding import HARM_ALPHA, MISMATCH_ALPHA, Danger, dangers
from experimentation.domain.statistics.sequential import DEFAULT_TUNING_N, sequence_rho
from experimentation.domain.statistics.study import Metric, MetricTotals, Study

DAYS = 28
LOOKS_A_DAY = 288
CHUNK = 100  # experiments at once, for memory
CHECKED = 20  # looks of each chunk that the engine itself is asked about


class Paused(NamedTuple):
    """By run, the five-minute look (from 1) that pauses, and the days whose figures prove harm; 0: never.

    `proven` is at the guard's own error rate, `verdict` at that of the recommendation.
    """

    guard: Array
    proven: Array
    verdict: Array


def looks_of(plan: Plan, runs: int, days: int, random: np.random.Generator) -> Looks:
    """Return the figures of both arms at the end of every five minutes."""
    arms = [
        _arm(plan, (runs, days * LOOKS_A_DAY), plan.users_a_day * share / LOOKS_A_DAY, rate, random)
        for share, rate in ((1 - plan.share, plan.rate), (plan.share, plan.rate * plan.effect))
    ]
    return Looks(*(tuple(pair) for pair in zip(*arms, strict=True)))  # type: ignore[arg-type]


def _arm(
    plan: Plan, shape: tuple[int, int], users: float, rate: float, random: np.random.Generator
) -> tuple[Array, Array, Array, Array]:
    enrolled = random.poisson(users, shape)
    active = random.binomial(enrolled, rate)
    n, converters = (each.cumsum(axis=1).astype(float) for each in (enrolled, active))
    if plan.kind is Kind.CONVERSION:
        return n, converters, converters, converters
    sums, squares = np.zeros(shape), np.zeros(shape)
    for run in range(shape[0]):
        when = np.repeat(np.arange(shape[1]), active[run])
        values = np.round(random.lognormal(2.0, plan.sigma, len(when)), 4)
        sums[run] = np.bincount(when, values, shape[1]).cumsum()
        squares[run] = np.bincount(when, values**2, shape[1]).cumsum()
    return n, converters, sums, squares


def proven_harm(looks: Looks, plan: Plan) -> Array:
    """Say at every look whether more in the treatment is proven at the guard's error rate."""
    z, silent = z_of(looks, plan.kind)
    information = sum(looks.n) * sequence_rho(ALPHA, DEFAULT_TUNING_N) ** 2
    with np.errstate(all="ignore"):
        bound = np.sqrt(
            2 * (information + 1) / information * (np.log(information + 1) / 2 - np.log(HARM_ALPHA))
        )
        found = ~silent & (z > bound)
        if plan.kind is Kind.CONVERSION:
            (n, m), (c, d) = looks.n, looks.converters
            exact = exact_rejects(looks, plan.share, HARM_ALPHA) & (d / m > c / n)
            found = np.where(small(looks, plan.kind), exact & (n > 0) & (m > 0), found)
    harm: Array = found
    return harm


def paused(plan: Plan, runs: int, days: int, random: np.random.Generator) -> Paused:
    """Return when each of the experiments is paused, and when its daily looks would have found it."""
    chunks = [_paused(plan, CHUNK, days, random) for _ in range(runs // CHUNK)]
    return Paused(*(np.concatenate(each) for each in zip(*chunks, strict=True)))


def _paused(plan: Plan, runs: int, days: int, random: np.random.Generator) -> Paused:
    looks = looks_of(plan, runs, days, random)
    harm = proven_harm(looks, plan)
    mismatch = sequential_mismatch(looks, plan.share) < MISMATCH_ALPHA
    _check(looks, plan, harm, mismatch, random)
    daily = Looks(
        *((a[:, LOOKS_A_DAY - 1 :: LOOKS_A_DAY], b[:, LOOKS_A_DAY - 1 :: LOOKS_A_DAY]) for a, b in looks)
    )
    return Paused(
        _first(harm | mismatch), _first(proven_harm(daily, plan)), _first(any_day_sign(daily, plan) > 0)
    )


def _first(found: Array) -> Array:
    position: Array = np.where(found.any(axis=1), found.argmax(axis=1) + 1, 0)
    return position


def _check(looks: Looks, plan: Plan, harm: Array, mismatch: Array, random: np.random.Generator) -> None:
    metric = Metric("metric", "event", plan.kind, Direction.DECREASE, Role.GUARDRAIL)
    weights = {"control": round(1_000_000 * (1 - plan.share)), "treatment": round(1_000_000 * plan.share)}
    study = Study("control", weights, Analysis.SEQUENTIAL, 0, None, 150, 7, None)
    for run, look in zip(*(random.integers(0, size, CHECKED) for size in harm.shape), strict=True):
        figures = [[float(part[arm][run, look]) for part in looks] for arm in (0, 1)]
        arms = dict(zip(weights, (totals_of(*each, plan.kind) for each in figures), strict=True))  # type: ignore[arg-type]
        enrolled = {key: each.users for key, each in arms.items()}
        found = {each.danger for each in dangers(study, [MetricTotals(metric, arms)], enrolled, [enrolled])}
        if (Danger.HARM in found, Danger.MISMATCH in found) != (harm[run, look], mismatch[run, look]):
            raise SystemExit(f"the engine and the simulation disagree: {plan.name}, run {run}, look {look}")


def harmless() -> Iterator[tuple[Plan, int]]:
    """Return the A/A experiments, each with how many."""
    for rate in (0.001, 0.02, 0.1):
        for share in (0.5, 0.1):
            yield Plan(f"A/A, rate {100 * rate:g} %", Kind.CONVERSION, 2000, share, rate), 1000
    for share in (0.5, 0.1):
        yield Plan("A/A, revenue, sigma 2, 5 % pay", Kind.VALUE, 2000, share, 0.05, 2.0), 500


def harming() -> Iterator[tuple[Plan, int]]:
    """Return experiments whose treatment fails twenty times as often, each with how many."""
    for rate in (0.001, 0.005):
        for users in (500, 2000, 10_000):
            yield (
                Plan(
                    f"harm {100 * rate:g} % -> {2000 * rate:g} %", Kind.CONVERSION, users, 0.5, rate, 0.0, 20
                ),
                500,
            )


def rows(divisor: int = 1) -> Iterator[tuple[Row, str]]:
    """Return every row with a remark; with a divisor of fewer experiments."""
    random = np.random.default_rng(SEED)
    for plan, runs in harmless():
        stopped = paused(plan, runs // divisor, DAYS, random).guard > 0
        yield _row(plan, f"{plan.name}: paused within 28 days", stopped, 0.0, 0.01), ""
    for plan, runs in harming():
        found = paused(plan, runs // divisor, 7, random)
        days = np.ceil(found.guard / LOOKS_A_DAY)
        in_time = (found.guard > 0) & ((days <= found.proven) | (found.proven == 0))
        hours = float(np.median(found.guard[found.guard > 0])) / 12
        early = float((in_time & ((days <= found.verdict) | (found.verdict == 0))).mean())
        row = _row(plan, f"{plan.name}: paused on the day that proves it", in_time, 0.95, 1.0)
        users = plan.users_a_day / 24 * hours
        remark = f"median after {hours:.1f} hours, {users:.0f} users; by the day's verdict {early:.0%}"
        yield row, remark


def _row(plan: Plan, name: str, share: Array, low: float, high: float) -> Row:
    return Row(name, len(share), plan.users_a_day, plan.split, float(share.mean()), low, high)


def main() -> int:
    """Print each row beside its bar; return 1 when one is outside."""
    held = True
    for row, remark in rows():
        held &= row.holds
        print(
            f"{row.name:<58} {row.runs:>5} {row.users_a_day:>6} {row.split:>6} {row.share:>8.2%}"
            f"   {row.low:.0%} to {row.high:.0%}   {'ok' if row.holds else 'OUTSIDE'}   {remark}",
            flush=True,
        )
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
