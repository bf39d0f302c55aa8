"""The tests that may decide: one p-value and intervals of any level, which cannot contradict each other."""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from experimentation.domain.experiment import Analysis
from experimentation.domain.statistics.lift import Interval
from experimentation.domain.statistics.means import Contrast, two_sided_p
from experimentation.domain.statistics.study import ERROR_RATE
from experimentation.domain.statistics.tails import t_isf


class Test(Protocol):
    """A test of no difference: its interval at a level excludes 0 exactly when p is below that level."""

    @property
    def method(self) -> str:
        """Return the name of the test."""
        ...

    @property
    def p_value(self) -> float:
        """Return the p-value of this comparison alone."""
        ...

    def interval(self, level: float) -> Interval:
        """Return the interval of the difference at 1 - level."""
        ...

    def lift_interval(self, level: float) -> Interval | None:
        """Return the interval of the lift at 1 - level."""
        ...


class Fixed(NamedTuple):
    """Student's t on one look."""

    contrast: Contrast

    @property
    def method(self) -> str:
        """Return the name of the test."""
        return "fixed"

    @property
    def p_value(self) -> float:
        """Return the two-sided p-value."""
        return two_sided_p(self.contrast)

    def interval(self, level: float) -> Interval:
        """Return D +- t se."""
        return self.contrast.interval(t_isf(level / 2, self.contrast.dof))

    def lift_interval(self, level: float) -> Interval | None:
        """Return Fieller's interval."""
        return self.contrast.lift_interval(t_isf(level / 2, self.contrast.dof))


class Repeated(NamedTuple):
    """The last of several planned looks: its repeated confidence interval and p-value.

    Source: Jennison and Turnbull (2000), chapter 9.
    """

    contrast: Contrast
    fractions: tuple[float, ...]

    @property
    def method(self) -> str:
        """Return the name of the test."""
        return "group_sequential"

    @property
    def p_value(self) -> float:
        """Return the smallest level at which this look would have rejected."""
        from experimentation.domain.statistics.group_sequential import smallest_level  # noqa: PLC0415 - rare

        return smallest_level(self.fractions, self.contrast.z)

    def bound(self, level: float) -> float:
        """Return the bound of |z| at this look."""
        from experimentation.domain.statistics.group_sequential import boundary  # noqa: PLC0415 - rare

        return boundary(self.fractions, level).bounds[-1]

    def interval(self, level: float) -> Interval:
        """Return D +- bound standard errors."""
        return self.contrast.interval(self.bound(level))

    def lift_interval(self, level: float) -> Interval | None:
        """Return Fieller's interval with the bound as the quantile."""
        return self.contrast.lift_interval(self.bound(level))


class Deciding(NamedTuple):
    """What the declared test says, at the error rate `alpha` of its whole family.

    p_value is adjusted for the family, so `significant` is p_value < alpha. The defaults are for a time when
    nothing decides. `method` is sequence, exact, fixed or group_sequential; `adjusted`: the difference that
    decides is CUPED's. `today` is the difference as it is now; `look` is the UTC day of the kept look that
    the other figures come from.
    """

    analysis: Analysis
    method: str | None = None
    adjusted: bool = False
    alpha: float = ERROR_RATE
    difference: float | None = None
    interval: Interval | None = None
    p_value: float | None = None
    lift: float | None = None
    lift_interval: Interval | None = None
    shrunken_lift: float | None = None
    decides: bool = False
    significant: bool = False
    today: float | None = None
    look: int | None = None


type Figures = Mapping[str, Mapping[str, Deciding]]
"""metric key -> treatment -> the figures that decide."""
