"""Figures in words: percent, points, amounts per user, signed ranges."""

from datetime import date
from decimal import Decimal
from typing import Protocol

from experimentation.domain.experiment import Kind
from experimentation.domain.statistics.lift import Interval
from experimentation.domain.statistics.study import PRIOR_SD

TENFOLD = 10.0
MINUS = "\N{MINUS SIGN}"
EPOCH_ORDINAL = date(1970, 1, 1).toordinal()


def percent(value: float) -> str:
    """Return a share in percent, with at least two significant digits.

    >>> percent(0.1234), percent(0.0123), percent(2)
    ('12%', '1.2%', '200%')
    """
    return f"{_digits(abs(100 * value))}%"


def signed_percent(value: float) -> str:
    """Return a share in percent with its sign.

    >>> signed_percent(0.0123)
    '+1.2%'
    """
    return _sign(value) + percent(value)


def amount(value: float, kind: Kind) -> str:
    """Return a difference in the metric's own units: points of a rate, else an amount per user.

    >>> amount(0.0123, Kind.CONVERSION), amount(1.5, Kind.VALUE), amount(12_345.6, Kind.VALUE)
    ('1.2 points', '1.5 per user', '12,300 per user')
    """
    if kind == Kind.CONVERSION:
        return f"{_digits(abs(100 * value))} points"
    return f"{_plain(value)} per user"


def spread(interval: Interval, kind: Kind) -> str:
    """Return an interval in the metric's own units.

    >>> spread(Interval(0.004, 0.047), Kind.CONVERSION)
    '+0.4 to +4.7 points'
    """
    low, high = interval
    if kind == Kind.CONVERSION:
        return f"{_sign(low)}{_digits(abs(100 * low))} to {_sign(high)}{_digits(abs(100 * high))} points"
    return f"{_sign(low)}{_plain(low)} to {_sign(high)}{_plain(high)} per user"


def lift_spread(interval: Interval) -> str:
    """Return an interval of a lift.

    >>> lift_spread(Interval(0.06, 0.36))
    '+6% to +36%'
    """
    return f"{signed_percent(interval.low)} to {signed_percent(interval.high)}"


class Effect(Protocol):
    """A difference and its lift."""

    @property
    def difference(self) -> float | None:
        """Return the difference in the metric's own units."""
        ...

    @property
    def lift(self) -> float | None:
        """Return the difference as a share of the control's mean."""
        ...

    @property
    def lift_interval(self) -> Interval | None:
        """Return the interval of the lift."""
        ...


def is_said_relative(effect: Effect) -> bool:
    """Say whether to tell this effect as a lift rather than in the metric's own units.

    A lift over a negative mean has the opposite sign of the difference, which readers do not expect; an
    interval wider than tenfold says only that the control hardly ever did it.
    """
    difference, lift, within = effect.difference, effect.lift, effect.lift_interval
    if difference is None or lift is None or within is None:
        return False
    return lift * difference >= 0 and within.high - within.low <= TENFOLD


def careful_estimate(careful_lift: float, effect: Effect, kind: Kind) -> str:
    """Return the sentence part that gives the shrunken estimate, in the units of the effect itself.

    An estimate outside the interval holds only under the prior, so the prior is stated with it.
    """
    if is_said_relative(effect) or not effect.lift or effect.difference is None:
        careful = signed_percent(careful_lift)
    else:
        difference = careful_lift * effect.difference / effect.lift
        careful = _sign(difference) + amount(difference, kind)
    within = effect.lift_interval
    if within is None or within.low <= careful_lift <= within.high:
        return f"{careful} is the more careful estimate"
    return f"where effects over {percent(PRIOR_SD)} are rare, {careful} is the more careful estimate"


def day_name(day: int) -> str:
    """Return a UTC day (days since 1970) as a date.

    >>> day_name(20_781)
    '2026-11-24'
    """
    return date.fromordinal(EPOCH_ORDINAL + day).isoformat()


def count(users: int) -> str:
    """Return a number of users with separated thousands.

    >>> count(12345)
    '12,345'
    """
    return f"{users:,}"


def _sign(value: float) -> str:
    return MINUS if value < 0 else "+"


def _digits(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else _plain(value, 2)


def _plain(value: float, digits: int = 3) -> str:
    """Return a number's size rounded to significant digits, never with an exponent."""
    return f"{Decimal(f'{abs(value):.{digits}g}'):,f}"
