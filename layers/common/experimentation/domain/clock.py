"""Times: RFC 3339 in UTC in the API, milliseconds since 1970 in the domain."""

from datetime import UTC, datetime

DAY_MS = 86_400_000
HOUR_MS = 3_600_000


def milliseconds(moment: datetime) -> int:
    """Return the whole milliseconds since 1970-01-01T00:00Z.

    >>> milliseconds(datetime(2026, 11, 22, 7, tzinfo=UTC))
    1795330800000
    >>> milliseconds(datetime(1969, 12, 31, 23, 59, 59, 500_000, tzinfo=UTC))
    -500
    """
    # Whole seconds: of a float's fraction, some is lost far from 1970, and before it rounding goes up.
    return int(moment.replace(microsecond=0).timestamp()) * 1000 + moment.microsecond // 1000


def moment(ms: int) -> datetime:
    """Return the UTC time of `ms` milliseconds since 1970.

    >>> moment(1795330800123).isoformat()
    '2026-11-22T07:00:00.123000+00:00'
    """
    return datetime.fromtimestamp(ms // 1000, UTC).replace(microsecond=ms % 1000 * 1000)


def rfc3339(ms: int) -> str:
    """Return the time as the API writes it.

    >>> rfc3339(1795330800000), rfc3339(-62_135_596_800_000)
    ('2026-11-22T07:00:00.000Z', '0001-01-01T00:00:00.000Z')
    """
    return moment(ms).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def rfc3339_or_none(ms: int | None) -> str | None:
    """Return the time as the API writes it; None (null) where there is none."""
    return None if ms is None else rfc3339(ms)


def day_number(ms: int) -> int:
    """Return the days since 1970-01-01 of the UTC day that holds `ms`.

    >>> day_number(1795330800000)
    20779
    """
    return ms // DAY_MS


def hour_of_day(ms: int) -> int:
    """Return the hour (0 to 23) of the UTC day that holds `ms`.

    >>> hour_of_day(1795330800000)
    7
    """
    return ms % DAY_MS // HOUR_MS
