"""Numbers whose decimals matter: read as they were written, never as the nearest binary fraction."""

from decimal import Decimal
from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema

from experimentation.domain.percent import millionths

LARGEST_EFFECT = 10  # eleven times the control's mean: beyond any experiment
EFFECT_DECIMALS = 6


def _decimal(value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError("must be a number")  # noqa: TRY004 - what Pydantic makes a field's error of
    return Decimal(repr(value))


def _percent(value: object) -> int:
    return millionths(_decimal(value))


def _effect(value: object) -> str:
    return _share(value, LARGEST_EFFECT)


def _margin(value: object) -> str:
    return _share(value, 1)


def _share(value: object, largest: int) -> str:
    effect = _decimal(value)
    if not 0 < effect <= largest:
        raise ValueError(f"must be above 0 and at most {largest}")
    if effect != round(effect, EFFECT_DECIMALS):
        raise ValueError(f"may have at most {EFFECT_DECIMALS} decimals")
    return format(effect.normalize(), "f")


Percent = Annotated[
    int,
    BeforeValidator(_percent),
    WithJsonSchema({"type": "number", "minimum": 0, "maximum": 100, "multipleOf": 0.0001}),
]
"""Percent with up to four decimals outside, millionths inside."""

Effect = Annotated[
    str,
    BeforeValidator(_effect),
    WithJsonSchema({"type": "number", "exclusiveMinimum": 0, "maximum": LARGEST_EFFECT}),
]
"""A relative effect: a number outside, exact decimal text inside."""

Margin = Annotated[
    str,
    BeforeValidator(_margin),
    WithJsonSchema({"type": "number", "exclusiveMinimum": 0, "maximum": 1}),
]
"""A guardrail's margin as a share of the control: a number outside, exact decimal text inside."""
