"""Validates a condition: every operator known, every operand of its type, and not too large."""

import json
from collections.abc import Callable, Iterator, Mapping

from experimentation.domain.audience.condition import OPERATORS
from experimentation.domain.errors import FieldError, escaped

MAX_BYTES = 4_096
DEEPEST = 8  # conditions within conditions
LONGEST_ATTRIBUTE = 64

COMBINING = ("$and", "$or", "$nor", "$not")
ON_A_VALUE = (*OPERATORS, "$regex", "$not")

type PatternFault = Callable[[str], str | None]
"""Returns what is wrong with a regular expression, None when nothing is."""

type Kind = tuple[Callable[[object], bool], str]
"""A check of an operand, and what to say when it fails."""


def faults(condition: object, pattern_fault: PatternFault, at: str = "") -> list[FieldError]:
    """Return what is wrong with the condition, empty if nothing; `at` is the condition's own pointer."""
    if len(json.dumps(condition, ensure_ascii=False).encode()) > MAX_BYTES:
        return [FieldError(at, f"may have at most {MAX_BYTES} bytes of JSON")]
    return list(_condition(condition, pattern_fault, at, 1))


def _condition(condition: object, pattern_fault: PatternFault, at: str, depth: int) -> Iterator[FieldError]:
    if not isinstance(condition, Mapping):
        yield FieldError(at, 'must be an object, like {"country": {"$in": ["DE", "AT"]}}')
    elif not condition:
        yield FieldError(at, "must not be empty: null, or leaving it out, lets everybody take part")
    elif depth > DEEPEST:
        yield FieldError(at, f"is nested deeper than {DEEPEST} levels")
    else:
        for key, expected in condition.items():
            check = _combination if key.startswith("$") else _attribute
            yield from check(key, expected, pattern_fault, f"{at}/{escaped(key)}", depth)


def _attribute(
    name: str, expected: object, pattern_fault: PatternFault, at: str, depth: int
) -> Iterator[FieldError]:
    if "." in name or not 1 <= len(name) <= LONGEST_ATTRIBUTE:
        yield FieldError(at, f"attributes have 1 to {LONGEST_ATTRIBUTE} characters and no dots")
    else:
        yield from _expected(expected, pattern_fault, at, depth)


def _combination(
    operator: str, expected: object, pattern_fault: PatternFault, at: str, depth: int
) -> Iterator[FieldError]:
    if operator not in COMBINING:
        yield FieldError(at, f"combines no conditions: use {', '.join(COMBINING)}")
    elif operator == "$not":
        yield from _condition(expected, pattern_fault, at, depth + 1)
    elif not isinstance(expected, list) or not expected:
        yield FieldError(at, "must be a list of at least one condition")
    else:
        for index, part in enumerate(expected):
            yield from _condition(part, pattern_fault, f"{at}/{index}", depth + 1)


def _expected(expected: object, pattern_fault: PatternFault, at: str, depth: int) -> Iterator[FieldError]:
    """Yield the faults of what one attribute must be: a value, or an object of operators."""
    if isinstance(expected, list):
        yield FieldError(at, "must be one value: for one of several use $in")
    elif not isinstance(expected, Mapping):
        return
    elif not expected or depth > DEEPEST:
        yield FieldError(at, f"needs an operator, and at most {DEEPEST} levels of them")
    else:
        for operator, operand in expected.items():
            pointer = f"{at}/{escaped(operator)}"
            if operator == "$not":
                yield from _expected(operand, pattern_fault, pointer, depth + 1)
            elif (fault := _operand_fault(operator, operand, pattern_fault)) is not None:
                yield FieldError(pointer, fault)


def _operand_fault(operator: str, operand: object, pattern_fault: PatternFault) -> str | None:
    if operator not in ON_A_VALUE:
        return f"is no operator here: use {', '.join(ON_A_VALUE)}"
    if operator == "$regex" and isinstance(operand, str):
        return pattern_fault(operand)
    is_right, fault = _OPERANDS.get(operator, _SCALAR)
    return None if is_right(operand) else fault


def _is_scalar(value: object) -> bool:
    return value is None or isinstance(value, str | int | float)


def _is_list(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(map(_is_scalar, value))


def _is_ordered(value: object) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool)


def _is_text(value: object) -> bool:
    return isinstance(value, str)


_SCALAR: Kind = (_is_scalar, "must be a text, number, boolean or null")
_OPERANDS: Mapping[str, Kind] = {
    **dict.fromkeys(
        ("$in", "$nin"),
        (_is_list, "must be a list of at least one value, each text, number, boolean or null"),
    ),
    **dict.fromkeys(("$gt", "$gte", "$lt", "$lte"), (_is_ordered, "must be a number or a text")),
    **dict.fromkeys(
        (operator for operator in OPERATORS if operator.startswith("$v")),
        (_is_text, 'must be a version as a text, like "2.10.0"'),
    ),
    "$exists": (lambda value: isinstance(value, bool), "must be true or false"),
    "$regex": (_is_text, "must be a text"),
}
