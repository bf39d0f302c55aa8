"""The engine, asked about looks that were simulated: one that it reads otherwise ends the run."""

from fractions import Fraction

import numpy as np

from benchmarks.simulated_looks import Array, Looks, Plan
from experimentation.domain.experiment import Analysis, Direction, Kind, Role
from experimentation.domain.statistics.analysis import analyse, take_look
from experimentation.domain.statistics.looks import Look
from experimentation.domain.statistics.study import (
    Metric,
    MetricTotals,
    Progress,
    Query,
    Study,
    VariantTotals,
)

MIN_DAYS = 7
MIN_USERS = 150
CHECKED = 40  # looks of each row that the engine itself is asked about


def check(looks: Looks, plan: Plan, proven: Array, random: np.random.Generator) -> None:
    """Ask the engine about some looks; one that it reads otherwise ends the run."""
    count, days = proven.shape
    for run, day in zip(random.integers(0, count, CHECKED), random.integers(0, days, CHECKED), strict=True):
        arms = [
            totals_of(*(float(part[arm][run, day]) for part in looks), plan.kind)  # type: ignore[call-arg, arg-type]
            for arm in (0, 1)
        ]
        found = called_by_engine(arms, plan.kind, plan.share, int(day) + 1)
        if found != bool(proven[run, day]):
            raise SystemExit(f"the engine and the simulation disagree: {plan.name}, run {run}, day {day}")


def totals_of(users: float, converters: float, total: float, squares: float, kind: Kind) -> VariantTotals:
    exact = Fraction(total).limit_denominator(10**4), Fraction(squares).limit_denominator(10**8)
    count = int(total) if kind is Kind.COUNT else int(converters)
    return VariantTotals(int(users), int(converters), count, *exact)


def _study(
    kind: Kind, share: float, analysis: Analysis = Analysis.SEQUENTIAL, planned: int | None = None
) -> tuple[Metric, Study]:
    weights = {"control": round(1_000_000 * (1 - share)), "treatment": round(1_000_000 * share)}
    metric = Metric("metric", "event", kind, Direction.INCREASE, Role.PRIMARY)
    return metric, Study("control", weights, analysis, 1, planned, MIN_USERS, MIN_DAYS, None)


def called_by_engine(arms: list[VariantTotals], kind: Kind, share: float, day: int) -> bool:
    """Ask the engine whether its declared test calls a difference on this day."""
    metric, study = _study(kind, share)
    totals = dict(zip(("control", "treatment"), arms, strict=True))
    enrolled = {arm: each.users for arm, each in totals.items()}
    progress = Progress(day, completed=False, users_per_day=None)
    answer = analyse(study, progress, Query(), enrolled, [MetricTotals(metric, totals)])
    deciding = answer.metrics[0].comparisons["treatment"].deciding
    return deciding is not None and deciding.significant


def check_kept(looks: Looks, planned: int, analysis: Analysis, called: Array, share: float = 0.5) -> None:
    """Let the engine take a few experiments' looks day by day: its verdict must be the simulation's."""
    metric, study = _study(Kind.CONVERSION, share, analysis, planned)
    study = study._replace(min_days=0 if analysis is Analysis.GROUP_SEQUENTIAL else MIN_DAYS)
    for run in range(4):
        kept: list[Look] = []
        for day in range(looks.n[0].shape[1]):
            totals = {
                key: totals_of(*(float(part[arm][run, day]) for part in looks), Kind.CONVERSION)  # type: ignore[call-arg, arg-type]
                for arm, key in enumerate(("control", "treatment"))
            }
            enrolled = {key: each.users for key, each in totals.items()}
            progress = Progress(day + 1, completed=False, users_per_day=None)
            metrics = [MetricTotals(metric, totals)]
            kept.append(take_look(study, progress, enrolled, metrics, [enrolled], kept, day))
        found = any(look.action in {"ship", "do_not_ship"} for look in kept)
        if found != bool(called[run]):
            raise SystemExit(f"the engine and the simulation disagree about run {run}, {analysis}")
