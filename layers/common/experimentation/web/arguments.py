"""The arguments of an endpoint: body, query and path, parsed and validated."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError

from experimentation.domain.errors import BadRequestError, FieldError, InvalidError
from experimentation.web import strict_json
from experimentation.web.problems import MAX_ERRORS, UnsupportedMediaTypeError
from experimentation.web.request import Request, parsed_form

FORM = "application/x-www-form-urlencoded"


def body_of[Model: BaseModel](request: Request, model: type[Model], limit: int, *, form: bool) -> Model:
    """Return the validated body: JSON, or an urlencoded form where the endpoint takes one."""
    kind = request.content_type
    is_form = form and kind == FORM
    if not is_form and kind not in {"", "application/json"} and not kind.endswith("+json"):
        raise UnsupportedMediaTypeError("The body must be application/json.")
    content = request.body(limit)
    if is_form:
        return _valid(model, strings=_form_fields(content))
    if not content.strip():
        raise BadRequestError("This needs a JSON body.")
    # For its checks only: Pydantic's parser accepts duplicate members, and takes the last.
    strict_json.loads(content)
    return _valid(model, json=content)


def has_body(request: Request) -> bool:
    """Tell whether anything was sent."""
    return bool(request.raw_body)


def query_of[Model: BaseModel](request: Request, model: type[Model]) -> Model:
    """Return the validated query parameters; InvalidError for one that the model does not know."""
    return _valid(model, strings=request.query)


def refuse_query(request: Request) -> None:
    """Raise InvalidError when there are query parameters where none is known."""
    if request.raw_query:
        from experimentation.web.validation_words import pointer  # noqa: PLC0415 - most requests are valid

        unknown = [FieldError(pointer((name,)), "is not a parameter here") for name in request.query]
        raise InvalidError("This takes no query parameters.", unknown)


def path_parameter(name: str, value: str, annotation: Any) -> Any:
    """Return a part of the path as its annotation requires; InvalidError when it is not valid."""
    try:
        return _adapter(annotation).validate_strings(value)
    except ValidationError as error:
        raise InvalidError(
            f"The {name} in the path is not valid.", _field_errors(error, None, name)
        ) from error


@cache
def _adapter(annotation: Any) -> TypeAdapter[Any]:
    return TypeAdapter(annotation)


def _form_fields(content: bytes) -> dict[str, str]:
    try:
        return parsed_form(content.decode())
    except UnicodeDecodeError as error:
        raise BadRequestError("The body is not UTF-8.") from error


def _valid[Model: BaseModel](
    model: type[Model], *, json: bytes | None = None, strings: Mapping[str, str] | None = None
) -> Model:
    try:
        return model.model_validate_strings(strings) if json is None else model.model_validate_json(json)
    except ValidationError as error:
        raise InvalidError("The request is not valid.", _field_errors(error, model)) from error


def _field_errors(error: ValidationError, model: Any, *prefix: str) -> list[FieldError]:
    """Return the location and kind of each fault, never the value: it may be a password."""
    from experimentation.web.validation_words import field_errors  # noqa: PLC0415 - most requests are valid

    found = error.errors(include_url=False, include_input=False)[:MAX_ERRORS]
    return list(field_errors([{**item, "loc": (*prefix, *item["loc"])} for item in found], model))
