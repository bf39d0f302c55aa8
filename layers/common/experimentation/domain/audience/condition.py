"""Evaluates a condition on a context; audience/checking.py has validated the condition when it was stored.

The language is GrowthBook's, as far as flat attributes go: docs.growthbook.io/lib/build-your-own, "Attribute
Conditions"; its Python SDK is the oracle of the tests. A value of another type never matches.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import ge, gt, le, lt
from typing import Any, NamedTuple, cast

from experimentation.domain.audience import Search
from experimentation.domain.audience.version import version_order
from experimentation.domain.errors import escaped

type Scalar = str | int | float | bool | None
type Condition = Mapping[str, object]


class Failure(NamedTuple):
    """A part of the condition that does not hold: its pointer, what it expects, and what the context has.

    `actual` is None for a missing attribute, and for $not and $nor, which apply to whole conditions.
    """

    pointer: str
    expected: object
    actual: Scalar


def matches(condition: Condition, context: Mapping[str, Scalar], search: Search) -> bool:
    """Tell whether the context matches.

    >>> matches({"country": {"$in": ["DE", "AT"]}}, {"country": "DE"}, lambda pattern, text: pattern in text)
    True
    """
    return next(failures(condition, context, search), None) is None


def failures(
    condition: Condition, context: Mapping[str, Scalar], search: Search, at: str = ""
) -> Iterator[Failure]:
    """Yield the parts that do not hold, none when the context matches; `at` is the condition's pointer."""
    for key, expected in condition.items():
        pointer = f"{at}/{escaped(key)}"
        if key == "$and":
            for index, part in enumerate(_parts(expected)):
                yield from failures(part, context, search, f"{pointer}/{index}")
        elif key == "$or":
            yield from _no_part(_parts(expected), context, search, pointer)
        elif key in {"$not", "$nor"}:
            excluded = _parts(expected) if key == "$nor" else [cast("Condition", expected)]
            if any(matches(part, context, search) for part in excluded):
                yield Failure(pointer, expected, None)
        else:
            yield from _value_failures(expected, context.get(key), search, pointer)


def _no_part(
    parts: Sequence[Condition], context: Mapping[str, Scalar], search: Search, at: str
) -> Iterator[Failure]:
    """Yield the failures of all parts, unless one of them matches."""
    failed: list[Failure] = []
    for index, part in enumerate(parts):
        failed_part = list(failures(part, context, search, f"{at}/{index}"))
        if not failed_part:
            return
        failed += failed_part
    yield from failed


def _value_failures(expected: object, actual: Scalar, search: Search, at: str) -> Iterator[Failure]:
    if not isinstance(expected, Mapping):
        if not _equal(actual, expected):
            yield Failure(at, expected, actual)
        return
    for operator, operand in expected.items():
        if not _holds(operator, operand, actual, search):
            yield Failure(f"{at}/{operator}", operand, actual)


def _holds(operator: str, operand: object, actual: Scalar, search: Search) -> bool:
    if operator == "$not":
        return next(_value_failures(operand, actual, search, ""), None) is not None
    if operator == "$regex":
        return isinstance(actual, str) and search(cast("str", operand), actual)
    return OPERATORS[operator](actual, operand)


def _parts(expected: object) -> Sequence[Condition]:
    return cast("Sequence[Condition]", expected)


def _equal(actual: Scalar, operand: object) -> bool:
    return _kind(actual) == _kind(operand) and actual == operand


def _kind(value: object) -> str:
    """Return the JSON type: to JSON, True is not a number, and 1.0 and 1 are both numbers."""
    if isinstance(value, bool):
        return "boolean"
    return "number" if isinstance(value, int | float) else type(value).__name__


def _is_in(actual: Scalar, operand: object) -> bool:
    return any(_equal(actual, each) for each in cast("Sequence[Scalar]", operand))


def _exists(actual: Scalar, operand: object) -> bool:
    return (actual is not None) is operand


def _ordered(holds: Callable[[Any, Any], bool]) -> Callable[[Scalar, object], bool]:
    def ordered(actual: Scalar, operand: object) -> bool:
        kind = _kind(actual)
        if kind != _kind(operand) or kind not in {"number", "str"}:
            return False
        return holds(_order(actual), _order(operand))

    return ordered


def _order(value: object) -> object:
    """Return what a number or a text is ordered by: texts by UTF-16 code units, as JavaScript does."""
    return value.encode("utf-16-be") if isinstance(value, str) else value


def _versions(holds: Callable[[str, str], bool]) -> Callable[[Scalar, object], bool]:
    def ordered(actual: Scalar, operand: object) -> bool:
        return isinstance(actual, str) and holds(version_order(actual), version_order(cast("str", operand)))

    return ordered


OPERATORS: Mapping[str, Callable[[Scalar, object], bool]] = {
    "$eq": _equal,
    "$ne": lambda actual, operand: not _equal(actual, operand),
    "$in": _is_in,
    "$nin": lambda actual, operand: not _is_in(actual, operand),
    "$gt": _ordered(gt),
    "$gte": _ordered(ge),
    "$lt": _ordered(lt),
    "$lte": _ordered(le),
    "$exists": _exists,
    "$veq": _versions(lambda actual, operand: actual == operand),
    "$vne": lambda actual, operand: not OPERATORS["$veq"](actual, operand),
    "$vgt": _versions(gt),
    "$vgte": _versions(ge),
    "$vlt": _versions(lt),
    "$vlte": _versions(le),
}
