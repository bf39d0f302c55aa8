"""Validation errors in plain words: one table by kind of error.

Loaded only when a request is refused.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from itertools import groupby
from typing import Any, get_args

from pydantic import BaseModel

from experimentation.domain.errors import FieldError, escaped

type Context = Mapping[str, Any]
type Fault = Mapping[str, Any]
"""One of Pydantic's errors: `type`, `loc`, `msg` and, with its limits, `ctx`."""

PATTERNS = {
    r"^[a-z0-9][a-z0-9._-]{0,63}$": "use lowercase letters, digits, - _ and ., at most 64, beginning with a "
    "letter or digit",
    r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$": "use letters, digits, - and _, at most 64, beginning with a letter "
    "or digit",
    r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$": "use letters, digits, - _ . and :, at most 64, beginning with a "
    "letter or digit",
    r"^[A-Za-z0-9._:-]{1,64}$": "use letters, digits, - _ . and :, at most 64",
    r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}(,[A-Za-z0-9][A-Za-z0-9._:-]{0,63})*$": "name event types with commas "
    "between them, such as purchase,signup",
    r"^[a-z0-9][a-z0-9._-]{0,63}(,[a-z0-9][a-z0-9._-]{0,63})*$": "name experiments by their ids with commas "
    "between them",
    r"^[a-z0-9][a-z0-9._@+-]{0,63}$": "use letters, digits, - _ . + and @, at most 64, beginning with a "
    "letter or digit",
    r"^[a-z0-9]{1,32}$": "use the id that GET /api-keys names: lowercase letters and digits",
    r"^[0-9a-f]{32}$": "use the id that GET /auth/sessions names: 32 hexadecimal digits",
}
NOT_JSON_TYPES = {"str": "text", "bool": "true or false", "int": "a number", "float": "a number"}

WORDS: Mapping[str, Callable[[Context], str]] = {
    "missing": lambda _: "is needed",
    "string_type": lambda _: "must be text",
    "string_pattern_mismatch": lambda ctx: PATTERNS.get(ctx["pattern"], f"must match {ctx['pattern']}"),
    "string_too_short": lambda ctx: _at_least(ctx["min_length"], "character"),
    "string_too_long": lambda ctx: _at_most(ctx["max_length"], "character"),
    "string_unicode": lambda _: "is not valid Unicode text",
    "too_short": lambda ctx: _at_least(ctx["min_length"], "entry", "entries"),
    "too_long": lambda ctx: _at_most(ctx["max_length"], "entry", "entries"),
    "int_type": lambda _: "must be a whole number",
    "int_parsing": lambda _: "must be a whole number",
    "int_from_float": lambda _: "must be a whole number",
    "int_parsing_size": lambda _: "is too large",
    "float_type": lambda _: "must be a number",
    "float_parsing": lambda _: "must be a number",
    "finite_number": lambda _: "must be a finite number",
    "bool_type": lambda _: "must be true or false",
    "bool_parsing": lambda _: "must be true or false",
    "greater_than": lambda ctx: f"must be above {ctx['gt']}",
    "greater_than_equal": lambda ctx: f"must be at least {ctx['ge']}",
    "less_than": lambda ctx: f"must be below {ctx['lt']}",
    "less_than_equal": lambda ctx: f"must be at most {ctx['le']}",
    "enum": lambda ctx: _one_of(ctx["expected"]),
    "literal_error": lambda ctx: _one_of(ctx["expected"]),
    "list_type": lambda _: "must be a list",
    "tuple_type": lambda _: "must be a list",
    "dict_type": lambda _: "must be an object",
    "model_type": lambda _: "must be an object",
    "model_attributes_type": lambda _: "must be an object",
    "date_from_datetime_parsing": lambda _: "must be a date, like 2026-11-22",
    "date_parsing": lambda _: "must be a date, like 2026-11-22",
    "date_type": lambda _: "must be a date, like 2026-11-22",
}


def field_errors(faults: Sequence[Fault], model: Any) -> Iterator[FieldError]:
    """Yield where and what for each fault, never what was sent: it may be a password.

    The faults of one value that fits no member of a union become one; an unknown field gets the closest known
    one of `model` as a hint.
    """
    for pointer, alike in groupby(faults, key=_pointer_of):
        group = list(alike)
        yield FieldError(pointer, _union(group) if len(group) > 1 else _words(group[0], model))


def pointer(location: Sequence[str | int]) -> str:
    """Return the JSON pointer (RFC 6901) of a location in the request."""
    return "".join(f"/{escaped(str(part))}" for part in location)


def _pointer_of(fault: Fault) -> str:
    location = fault["loc"]
    # Pydantic appends the member of a union that it tried to the location of the value.
    return pointer(location[:-1] if len(location) > 1 and _is_union_member(fault) else location)


def _is_union_member(fault: Fault) -> bool:
    return fault["loc"][-1] in NOT_JSON_TYPES and fault["type"].endswith("_type")


def _union(group: Sequence[Fault]) -> str:
    kinds = list(dict.fromkeys(NOT_JSON_TYPES.get(fault["loc"][-1], "") for fault in group))
    if not all(kinds):
        return "; ".join(dict.fromkeys(_words(fault, None) for fault in group))
    return f"must be {', '.join(kinds[:-1])} or {kinds[-1]}"


def _words(fault: Fault, model: Any) -> str:
    if fault["type"] == "extra_forbidden":
        return _unknown(fault["loc"], model)
    words = WORDS.get(fault["type"])
    if words is None:
        message: str = fault["msg"].removeprefix("Value error, ")
        return message
    return words(fault.get("ctx", {}))


def _unknown(location: Sequence[str | int], model: Any) -> str:
    found, name = _model_at(model, location[:-1]), str(location[-1])
    if elsewhere := getattr(found, "ELSEWHERE", {}).get(name):
        return f"is not a field here: {elsewhere}"
    close = get_close_matches(name, _fields(found), n=1)
    return f"is not a field here; did you mean {close[0]}?" if close else "is not a field here"


def _model_at(model: Any, location: Sequence[str | int]) -> Any:
    """Return the model of the object at a place; None where there is none."""
    for part in location:
        if isinstance(part, str) and (found := _model_in(model)) is not None:
            field = found.model_fields.get(part)
            model = None if field is None else field.annotation
    return _model_in(model)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """Return the first model in an annotation such as `list[Metric] | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for each in get_args(annotation) if (found := _model_in(each)) is not None), None)


def _fields(model: type[BaseModel] | None) -> list[str]:
    return [] if model is None else [field.alias or name for name, field in model.model_fields.items()]


def _one_of(expected: str) -> str:
    return "must be " + expected.replace("'", "")


def _at_least(least: int, singular: str, plural: str = "") -> str:
    return f"needs at least {least} {_noun(least, singular, plural)}"


def _at_most(most: int, singular: str, plural: str = "") -> str:
    return f"may have at most {most} {_noun(most, singular, plural)}"


def _noun(number: int, singular: str, plural: str) -> str:
    return singular if number == 1 else plural or f"{singular}s"
