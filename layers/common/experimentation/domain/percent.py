"""Shares: percent with up to four decimals in the API, millionths in the domain."""

from decimal import Decimal

STEPS = 10_000  # one percent, in millionths


def millionths(percent: float | Decimal) -> int:
    """Return the share in millionths; ValueError unless 0 .. 100 with at most four decimals.

    >>> millionths(33.3333), millionths(50)
    (333333, 500000)
    """
    scaled = Decimal(str(percent)) * STEPS
    if not scaled.is_finite() or not 0 <= scaled <= 100 * STEPS:
        raise ValueError("must be a percentage from 0 to 100")
    if scaled != int(scaled):
        raise ValueError("may have at most four decimals")
    return int(scaled)


def percent(share: int) -> int | float:
    """Return the share as a JSON number in percent: 50, not 50.0.

    >>> percent(500_000), percent(333_333)
    (50, 33.3333)
    """
    whole, rest = divmod(share, STEPS)
    return share / STEPS if rest else whole
