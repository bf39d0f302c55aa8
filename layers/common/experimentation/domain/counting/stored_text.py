"""Boundaries and ledgers as stored text, whose size decides which ledgers leave HEAD."""

import json
from collections.abc import Mapping

from experimentation.domain.counting.ledger import Boundary, Cells


def boundaries_text(boundaries: tuple[Boundary, ...]) -> str:
    """Return the boundaries as JSON: one list each."""
    return json.dumps(boundaries, separators=(",", ":"), ensure_ascii=False)


def boundaries_of(text: str) -> tuple[Boundary, ...]:
    """Return the boundaries that the text holds."""
    return tuple(
        Boundary(k, at, experiment_id, variant, tuple(labels))
        for k, at, experiment_id, variant, labels in json.loads(text)
    )


def cells_text(cells: Cells) -> str:
    """Return one ledger as JSON: "day.k" -> [events, total]."""
    return json.dumps(_shape(cells), separators=(",", ":"))


def cells_of(text: str) -> Cells:
    """Return the ledger that the text holds."""
    return _cells(json.loads(text))


def ledgers_text(ledgers: Mapping[str, Cells]) -> str:
    """Return the ledgers of several event types as JSON."""
    return json.dumps({name: _shape(cells) for name, cells in ledgers.items()}, separators=(",", ":"))


def ledgers_of(text: str) -> dict[str, Cells]:
    """Return the ledgers that the text holds."""
    return {name: _cells(shape) for name, shape in json.loads(text).items()}


def _shape(cells: Cells) -> dict[str, tuple[int, int]]:
    return {f"{day}.{k}": cell for (day, k), cell in cells.items()}


def _cells(shape: Mapping[str, list[int]]) -> Cells:
    cells: Cells = {}
    for name, (events, total) in shape.items():
        day, _, k = name.partition(".")
        cells[int(day), int(k)] = (events, total)
    return cells
