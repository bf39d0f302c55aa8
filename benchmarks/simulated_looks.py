"""Simulated experiments and their daily looks, made by numpy in one go: who comes, what is proven when."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln
from scipy.stats import norm

from experimentation.domain.experiment import Kind
from experimentation.domain.statistics.srm import THRESHOLD

ALPHA = 0.05

type Array = NDArray[np.float64]


class Looks(NamedTuple):
    """Cumulative figures of both arms at the end of every day: arrays of (runs, days)."""

    n: tuple[Array, Array]
    converters: tuple[Array, Array]
    sums: tuple[Array, Array]
    squares: tuple[Array, Array]


class Plan(NamedTuple):
    """A row to be: how users come, and what they do."""

    name: str
    kind: Kind
    users_a_day: int
    share: float  # of the treatment
    rate: float  # of control users with an event
    sigma: float = 0.0  # of the logarithm of values
    effect: float = 1.0  # the treatment's rate relative to the control's

    @property
    def split(self) -> str:
        """Return the weights."""
        return f"{100 * (1 - self.share):.0f}/{100 * self.share:.0f}"


def simulated(plan: Plan, runs: int, days: int, random: np.random.Generator) -> Looks:
    """Return looks of experiments whose users come daily and act 0 to 6 days later; some act again."""
    arms = [
        arm_of(plan, runs, days, plan.users_a_day * share, rate, random)
        for share, rate in ((1 - plan.share, plan.rate), (plan.share, plan.rate * plan.effect))
    ]
    return Looks(*(tuple(pair) for pair in zip(*arms, strict=True)))  # type: ignore[arg-type]


def arm_of(
    plan: Plan, runs: int, days: int, users: float, rate: float, random: np.random.Generator
) -> tuple[Array, Array, Array, Array]:
    enrolled = random.poisson(users, (runs, days))
    active = random.binomial(enrolled, rate)
    delays = np.array([0.5, 0.2, 0.1, 0.08, 0.06, 0.04, 0.02])
    first = np.zeros((runs, days + len(delays)))
    split = random.multinomial(active, delays)  # (runs, days, delays)
    for delay in range(len(delays)):
        first[:, delay : delay + days] += split[:, :, delay]
    n = enrolled.cumsum(axis=1).astype(float)
    first = first[:, :days].astype(int)
    converters = first.cumsum(axis=1).astype(float)
    if plan.kind is Kind.CONVERSION:
        return n, converters, converters, converters
    sums, squares = np.zeros((runs, days)), np.zeros((runs, days))
    for run in range(runs):
        total = first[run].sum()
        day = np.repeat(np.arange(days), first[run])
        if plan.kind is Kind.COUNT:
            values = 1 + random.poisson(1.0, total).astype(float)
        else:
            values = np.round(random.lognormal(2.0, plan.sigma, total), 4)
        again = random.random(total) < 0.3
        later = day[again] + random.integers(1, 8, again.sum())
        more = values[again] * random.lognormal(0.0, 0.3, again.sum())
        more = np.ones(len(more)) if plan.kind is Kind.COUNT else np.round(more, 4)
        gained = np.bincount(day, values, days) + np.bincount(later, more, days + 8)[:days]
        cross = more * (2 * values[again] + more)
        squared = np.bincount(day, values**2, days) + np.bincount(later, cross, days + 8)[:days]
        sums[run], squares[run] = gained.cumsum(), squared.cumsum()
    return n, converters, sums, squares


def exact_days(plan: Plan, runs: int, days: int, random: np.random.Generator) -> Looks:
    """Return looks at exactly as many users a day in each arm, who act at once."""
    treated = round(plan.users_a_day * plan.share)
    users = plan.users_a_day - treated, treated
    n, m = (np.broadcast_to(each * np.arange(1.0, days + 1), (runs, days)) for each in users)
    arms = [
        random.binomial(each, rate, (runs, days)).cumsum(axis=1).astype(float)
        for each, rate in zip(users, (plan.rate, plan.rate * plan.effect), strict=True)
    ]
    return Looks((n, m), (arms[0], arms[1]), (arms[0], arms[1]), (arms[0], arms[1]))


def z_of(looks: Looks, kind: Kind, cautious: bool | None = None) -> tuple[Array, Array]:
    """Return D / se at every look, and where nothing can be said; se is the larger one, by default not of rates."""
    cautious = kind is not Kind.CONVERSION if cautious is None else cautious
    (n, m), (s, u), (q, r) = looks.n, looks.sums, looks.squares
    with np.errstate(all="ignore"):
        v, w = ((b - a * a / k) / (k - 1) for k, a, b in ((n, s, q), (m, u, r)))
        variance = v / n + w / m
        if cautious:
            pooled = ((n - 1) * v + (m - 1) * w) / (n + m - 2) * (1 / n + 1 / m)
            variance = np.maximum(variance, pooled)
        z = (u / m - s / n) / np.sqrt(variance)
    return z, small(looks, kind) | ~np.isfinite(z)


def small(looks: Looks, kind: Kind) -> Array:
    """Say where too few users did (or did not do) it."""
    (n, m), (c, d) = looks.n, looks.converters
    if kind is Kind.CONVERSION:
        return np.minimum(np.minimum(c, n - c), np.minimum(d, m - d)) < 10
    return np.where(n < m, c, np.where(m < n, d, np.minimum(c, d))) < 100


def multiplier(n: Array, alpha: float, tuning_n: float) -> Array:
    """Return the sequence's half-width in standard errors."""
    rho2 = (-2 * np.log(alpha) + np.log(1 - 2 * np.log(alpha))) / tuning_n
    return np.sqrt(2 * (n * rho2 + 1) / (n * rho2) * np.log(np.sqrt(n * rho2 + 1) / alpha))


def exact_rejects(looks: Looks, share: float, alpha: float) -> Array:
    """Say where the Dirichlet-multinomial test on converters rejects."""
    prior = 20 * np.array([1 - share, share])
    c, d = looks.converters
    factor = gammaln(20) - gammaln(20 + c + d)
    factor = factor + gammaln(prior[0] + c) - gammaln(prior[0]) - c * np.log(1 - share)
    factor = factor + gammaln(prior[1] + d) - gammaln(prior[1]) - d * np.log(share)
    return np.exp(np.minimum(0, -factor)) < alpha


def any_day_sign(looks: Looks, plan: Plan, alpha: float = ALPHA, tuning_n: float = 5000) -> Array:
    """Return the sign of what the sequence, or the exact test, has proven at every look; else 0."""
    z, silent = z_of(looks, plan.kind)
    found = np.where(~silent & (np.abs(z) > multiplier(sum(looks.n), alpha, tuning_n)), np.sign(z), 0)
    if plan.kind is Kind.CONVERSION:
        (n, m), (c, d) = looks.n, looks.converters
        with np.errstate(all="ignore"):
            sign = np.sign(d / m - c / n)
        rejected = exact_rejects(looks, plan.share, alpha)
        found = np.where(small(looks, plan.kind), np.where(rejected, sign, 0), found)
    return found


def mismatched(looks: Looks, share: float) -> Array:
    """Say where the chi-square test of the split flags."""
    n, m = looks.n
    expected = (n + m) * (1 - share), (n + m) * share
    chi2 = (n - expected[0]) ** 2 / expected[0] + (m - expected[1]) ** 2 / expected[1]
    return (2 * norm.sf(np.sqrt(chi2)) < THRESHOLD) & (np.minimum(*expected) >= 5)


def sequential_mismatch(looks: Looks, share: float) -> Array:
    """Return the always-valid p-value of the split at every look."""
    prior = 10_000 * np.array([1 - share, share])
    n, m = looks.n
    factor = gammaln(10_000) - gammaln(10_000 + n + m)
    factor = factor + gammaln(prior[0] + n) - gammaln(prior[0]) - n * np.log(1 - share)
    factor = factor + gammaln(prior[1] + m) - gammaln(prior[1]) - m * np.log(share)
    return np.exp(np.minimum(0, -factor))
