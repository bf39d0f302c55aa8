"""What a measurement hands to the report: tables of text, and plain numbers that other tools read."""

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Table:
    """One table of the report; `note` says how it was measured and what it shows."""

    title: str
    header: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    note: str = ""

    def markdown(self) -> str:
        """Return the table under its title; numbers stand to the right."""
        rule = ("---", *["---:"] * (len(self.header) - 1))
        lines = [f"| {' | '.join(cells)} |" for cells in (self.header, rule, *self.rows)]
        return "\n".join([f"## {self.title}", "", *([self.note, ""] if self.note else []), *lines, ""])


@dataclass(frozen=True, slots=True)
class Section:
    """Some tables, and the numbers in them by name."""

    tables: Sequence[Table]
    numbers: dict[str, float] = field(default_factory=dict)


def ms(value: float) -> str:
    """Return milliseconds with three significant digits or so.

    >>> ms(0.1234), ms(12.345), ms(1234.5)
    ('0.123', '12.3', '1,234')
    """
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.3f}"


def times(value: float) -> str:
    """Return a ratio.

    >>> times(0.25)
    '0.25 x'
    """
    return f"{value:.2f} x"
