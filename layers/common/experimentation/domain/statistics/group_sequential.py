"""Group-sequential bounds: the error rate spent at each planned look, by recursive numerical integration.

The standardised sum S(t) = z sqrt(t) of a difference behaves like Brownian motion at the information t, the
share of the planned users enrolled. Source: Lan and DeMets (1983), Biometrika 70:659, with the spending
function of O'Brien-Fleming shape; integration after Armitage, McPherson, Rowe (1969), JRSS-A 132:235, and
Jennison and Turnbull (2000), Group Sequential Methods, chapter 19.
"""

from collections.abc import Sequence
from functools import lru_cache
from math import ceil, exp, inf, log, sqrt
from typing import NamedTuple

from experimentation.domain.statistics.special import GAUSS_NODES
from experimentation.domain.statistics.tails import norm_isf, norm_pdf, norm_sf

LEAST_STEP = 0.02  # of the planned users between two looks: closer looks take longer to integrate
PLANNED_LOOKS = 28  # what planning assumes; the users needed hardly depend on it
_PANEL = 1.25  # standard deviations of the next step; five nodes on each give 1e-9
_REACH = 8.5  # standard deviations: beyond them a density is negligible
_NEGLIGIBLE = 1e-40  # an error rate so small that its bound is as good as infinite
_ROOT_2_PI = 2.5066282746310002


class Stage(NamedTuple):
    """S at one look while nothing has crossed: mass on nodes s >= 0, the same on -s."""

    information: float
    bound: float
    nodes: list[float]
    mass: list[float]


class Boundary(NamedTuple):
    """The bounds of |z| at each look, two-sided at one level; inf where next to nothing may be spent."""

    bounds: tuple[float, ...]
    stages: tuple[Stage, ...]

    def power(self, drift: float) -> float:
        """Return the chance to cross at some look when z at full information has mean `drift`.

        By Girsanov, paths under drift are those without it, weighted by exp(drift S - drift^2 t / 2).
        """
        crossed = 0.0
        before = Stage(0.0, 0.0, [0.0], [0.5])
        for stage in self.stages:
            if stage.bound < inf:
                sd = sqrt(stage.information - before.information)
                for node, mass in zip(before.nodes, before.mass, strict=True):
                    for s in (node, -node):
                        weight = mass * exp(drift * s - drift * drift * before.information / 2)
                        mean = s + drift * sd * sd
                        crossed += weight * norm_sf((stage.bound - mean) / sd)
                        crossed += weight * norm_sf((stage.bound + mean) / sd)
            before = stage
        return crossed


def spent(level: float, information: float) -> float:
    """Return the two-sided error rate that may be spent by this information.

    Source: Lan and DeMets (1983): 2 - 2 Phi(z_{a/2} / sqrt t) on each side, a = level / 2.

    >>> [round(spent(0.05, t), 5) for t in (0.2, 0.5, 1.0)]
    [0.0, 0.00305, 0.05]
    """
    return 4 * norm_sf(norm_isf(level / 4) / sqrt(min(1.0, information)))


@lru_cache(maxsize=256)
def boundary(fractions: tuple[float, ...], level: float) -> Boundary:
    """Return the bounds at rising information fractions, the last at most 1.

    >>> [round(bound, 3) for bound in boundary((0.2, 0.4, 0.6, 0.8, 1.0), 0.05).bounds]
    [4.877, 3.357, 2.68, 2.29, 2.031]
    """
    stages: list[Stage] = []
    before = Stage(0.0, 0.0, [0.0], [0.5])
    already = 0.0
    for index, information in enumerate(fractions):
        allowed = spent(level, information)
        following = fractions[index + 1] if index + 1 < len(fractions) else None
        bound = _bound(before, information, allowed - already)
        before = _advanced(before, information, bound, following)
        stages.append(before)
        # What a look was too early to spend, the next one may.
        already = allowed if bound < inf else already
    return Boundary(tuple(stage.bound / sqrt(stage.information) for stage in stages), tuple(stages))


def smallest_level(fractions: tuple[float, ...], z: float) -> float:
    """Return the smallest level at which the last of these looks would have rejected: its p-value.

    Source: Jennison and Turnbull (2000), 9.5: the repeated p-value.

    >>> round(smallest_level((0.2, 0.4, 0.6, 0.8, 1.0), 2.0310), 3)
    0.05
    """
    if boundary(fractions, 1.0).bounds[-1] >= abs(z):
        return 1.0
    # bound^2 is nearly linear in the logarithm of the level, so secants need few of these costly steps
    last = min(-0.01, log(max(1e-300, 4 * norm_sf(abs(z) * sqrt(fractions[-1])))))
    last_excess = _excess(fractions, last, z)
    log_level = last + 0.5
    for _ in range(40):
        log_level = min(-1e-12, max(-680.0, log_level))
        excess = _excess(fractions, log_level, z)
        if abs(excess) < 1e-9 or excess == last_excess:
            break
        step = -excess * (log_level - last) / (excess - last_excess)
        log_level, last, last_excess = log_level + step, log_level, excess
    return exp(log_level)


def _excess(fractions: tuple[float, ...], log_level: float, z: float) -> float:
    """Return by how much bound^2 at this level exceeds z^2; capped, since the bound may be infinite."""
    return min(1e6, boundary(fractions, exp(log_level)).bounds[-1] ** 2) - z * z


@lru_cache(maxsize=64)
def drift_for(level: float, power: float, looks: int = PLANNED_LOOKS) -> float:
    """Return the mean of z at full information that some look finds with this power.

    >>> round((drift_for(0.05, 0.8, 5) / (norm_isf(0.025) + norm_isf(0.2))) ** 2, 3)
    1.025
    """
    bounds = boundary(tuple((k + 1) / looks for k in range(looks)), level)
    low, high = 0.0, 2 * (norm_isf(level / 2) + norm_isf(1 - power)) + 1
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if bounds.power(middle) < power else (low, middle)
        if high - low < 1e-10:
            break
    return high


def spends(earlier: Sequence[float], fraction: float) -> bool:
    """Say whether a look at this information fraction may decide after the earlier ones."""
    last = earlier[-1] if earlier else 0.0
    return last < 1.0 and (fraction >= 1.0 or fraction >= last + LEAST_STEP)


def _bound(before: Stage, information: float, allowed: float) -> float:
    """Return the |S| that is crossed with probability `allowed`, by Newton's method on its logarithm."""
    if allowed <= _NEGLIGIBLE:
        return inf
    sd = sqrt(information - before.information)
    # Starts at the bound of this look alone, which is too far out: earlier looks took the extreme paths.
    bound = sqrt(information) * norm_isf(min(0.5, allowed / 2))
    for _ in range(100):
        crossed = density = 0.0
        for node, mass in zip(before.nodes, before.mass, strict=True):
            for s in (node, -node):
                crossed += 2 * mass * norm_sf((bound - s) / sd)
                density += 2 * mass * norm_pdf((bound - s) / sd) / sd
        if crossed <= 0.0 or density <= 0.0:  # underflow: still too far out
            bound *= 0.9
            continue
        step = crossed / density * log(crossed / allowed)
        bound = max(0.0, bound + max(-sd, min(sd, step)))
        if abs(step) < 1e-12:
            break
    return bound


def _advanced(before: Stage, information: float, bound: float, following: float | None) -> Stage:
    """Return where S is at this look, given that it has crossed no bound so far."""
    if following is None:
        return Stage(information, bound, [], [])
    sd = sqrt(information - before.information)
    end = min(bound, _REACH * sqrt(information))
    width = _PANEL * min(sd, sqrt(following - information))
    panels = max(1, ceil(end / width))
    half = end / panels / 2
    nodes, mass = [], []
    earlier = list(zip(before.nodes, before.mass, strict=True))
    reach = _REACH * sd
    for panel in range(panels):
        for offset, weight in GAUSS_NODES:
            s = half * (2 * panel + 1 + offset)
            density = 0.0
            for node, node_mass in earlier:
                if abs(s - node) < reach:
                    density += node_mass * exp(-(((s - node) / sd) ** 2) / 2)
                if s + node < reach:
                    density += node_mass * exp(-(((s + node) / sd) ** 2) / 2)
            nodes.append(s)
            mass.append(half * weight * density / (sd * _ROOT_2_PI))
    return Stage(information, bound, nodes, mass)
