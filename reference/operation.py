"""One operation of the document: what an endpoint takes, and every status that it can answer."""

import json
import re
from http import HTTPStatus
from typing import Any

from experimentation.web.arguments import FORM
from experimentation.web.endpoint import PRIVATE, Endpoint
from experimentation.web.ofrep_failures import render as ofrep_failure
from experimentation.web.problems import MEDIA_TYPE, TABLE
from experimentation.web.reply import JSON
from local.template import Route
from reference.models import Models, meaning
from reference.operations import Documented
from reference.schemas.problems import EvaluationFailure, Problem

type Json = dict[str, Any]

OFREP_STATUSES = {409: 400, 413: 400, 415: 400, 422: 400}  # the protocol knows no others
TEXT: Json = {"type": "string"}
MEANINGS = {
    200: "OK",
    201: "Created; Location names it",
    202: "Accepted",
    204: "Done",
    303: "See other: Location says where",
    304: "Not modified: the version that If-None-Match names is current",
    400: "The request is not well-formed HTTP or JSON",
    401: "The credential is missing or not valid, or the password has to be given again",
    403: "The credential lacks the scope, or a request with cookies comes from another site",
    404: "Not found",
    409: "Conflicts with the current state",
    412: "Changed since: If-Match names another version",
    413: "The body is too large",
    415: "The body has a media type that this endpoint does not read",
    422: "A field or parameter has an invalid value; `errors` names each",
    429: "Too many attempts or calls; Retry-After says when to try again",
    500: "Internal error; the detail names the request id",
    503: "A service behind the API does not answer; Retry-After says when to try again",
}


def operation(
    endpoint: Endpoint, documented: Documented, route: Route, models: Models, sample: Json, answer: Json
) -> Json:
    """Return the operation; examples are taken from `sample`, a Lambda event, and the `answer` to it."""
    described: Json = {"description": _description(endpoint)}
    parameters = _parameters(endpoint, documented, route, models, sample)
    if parameters:
        described["parameters"] = parameters
    if endpoint.body_model is not None:
        described["requestBody"] = _body(endpoint, models, sample)
    described["responses"] = _responses(endpoint, documented, models, answer)
    described["security"] = _security(endpoint.rule)
    return described


def _description(endpoint: Endpoint) -> str:
    who = {
        "anyone": "Anyone may call this.",
        "token": "Needs any valid credential.",
        "person": "Needs a person, who has a password and sessions; an API key has neither.",
        "admin": "Needs an administrator.",
    }.get(endpoint.rule, f"Needs the scope `{endpoint.rule}`.")
    return f"{(endpoint.function.__doc__ or '').strip()}\n\n{who}"


def _security(rule: str) -> list[Json]:
    if rule == "anyone":
        return []
    roles = [] if rule in {"token", "person"} else [rule]
    people: list[Json] = [{"bearer": roles}, {"cookie": roles}]
    return people if rule in {"admin", "person"} else [*people, {"apiKey": roles}]


def _parameters(
    endpoint: Endpoint, documented: Documented, route: Route, models: Models, sample: Json
) -> list[Json]:
    return [
        *_path_parameters(endpoint, route, models, sample.get("pathParameters") or {}),
        *_query_parameters(endpoint, models, sample.get("queryStringParameters") or {}),
        *_header_parameters(documented),
    ]


def _path_parameters(endpoint: Endpoint, route: Route, models: Models, examples: Json) -> list[Json]:
    names = re.findall(r"\{(\w+)\}", route.path)
    if sorted(names) != sorted(endpoint.path_parameters):
        raise AssertionError(f"{route.key} and its function name other path parameters")
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": meaning("parameters", name),
            "schema": models.taken(endpoint.path_parameters[name]),
        }
        | ({"example": examples[name]} if name in examples else {})
        for name in names
    ]


def _query_parameters(endpoint: Endpoint, models: Models, examples: Json) -> list[Json]:
    if endpoint.query_model is None:
        return []
    model = models.inlined(models.taken(endpoint.query_model))
    required = model.get("required", [])
    return [
        _query_parameter(name, schema, required=name in required)
        | ({"example": examples[name]} if name in examples else {})
        for name, schema in model["properties"].items()
    ]


def _query_parameter(name: str, schema: Json, *, required: bool) -> Json:
    given = {key: value for key, value in schema.items() if key not in {"title", "description"}}
    if "anyOf" in given:
        kinds = [kind for kind in given.pop("anyOf") if kind != {"type": "null"}]
        given |= kinds[0] if len(kinds) == 1 else {"anyOf": kinds}
    if given.get("default", "") is None:
        del given["default"]
    described = {"description": schema["description"]} if "description" in schema else {}
    return {"name": name, "in": "query", "required": required, "schema": given} | described


def _header_parameters(documented: Documented) -> list[Json]:
    named = []
    if 412 in documented.problems:
        named.append(("If-Match", "The entity tag of the version to change; 412 when it is another by now."))
    if 304 in documented.also:
        named.append(("If-None-Match", meaning("parameters", "If-None-Match")))
    return [
        {"name": name, "in": "header", "required": False, "description": what, "schema": TEXT}
        for name, what in named
    ]


def _body(endpoint: Endpoint, models: Models, sample: Json) -> Json:
    media: Json = {"schema": models.taken(endpoint.body_model)}
    content = {JSON: media | ({"example": json.loads(sample["body"])} if sample.get("body") else {})}
    if endpoint.form:
        content[FORM] = media
    return {"required": endpoint.body_required, "content": content}


def _responses(endpoint: Endpoint, documented: Documented, models: Models, answer: Json) -> Json:
    good = sorted({endpoint.status, *documented.also})
    bad = sorted(_problem_statuses(endpoint, documented))
    return {str(status): _success(endpoint, documented, status, models, answer) for status in good} | {
        str(status): _problem(endpoint, status, models) for status in bad
    }


def _problem_statuses(endpoint: Endpoint, documented: Documented) -> set[int]:
    """Return every error that follows from what the endpoint takes, and those that it declares."""
    statuses = {500, *documented.problems}
    if endpoint.rule != "anyone":
        # Unknown query parameters are refused; who calls is looked up, and a key may call too often.
        statuses |= {400, 401, 403, 422, 429, 503}
    if endpoint.body_model is not None:
        statuses |= {400, 413, 415, 422, 503}
    if endpoint.render_problem is ofrep_failure:
        return {OFREP_STATUSES.get(status, status) for status in statuses}
    return statuses


def _success(endpoint: Endpoint, documented: Documented, status: int, models: Models, answer: Json) -> Json:
    headers = _headers()
    if 304 in documented.also or 412 in documented.problems:
        headers["ETag"] = _header("The entity tag of this version.")
    if status == endpoint.status == HTTPStatus.CREATED:
        headers["Location"] = _header("The path of what was made.")
    if endpoint.cache != PRIVATE:
        headers["Vary"] = _header("What the answer depends on besides its address.")
    headers |= {name: _header(what) for name, what in documented.headers.items()}
    reply: Json = {"description": MEANINGS[status], "headers": headers}
    if status in {HTTPStatus.NO_CONTENT, HTTPStatus.SEE_OTHER, HTTPStatus.NOT_MODIFIED}:
        return reply
    content: Json = {
        kind: {"schema": _schema(endpoint, documented, kind, models)} for kind in documented.media
    }
    if answer.get("status") == status:
        content[JSON]["example"] = answer["body"]
    return reply | {"content": content}


def _schema(endpoint: Endpoint, documented: Documented, kind: str, models: Models) -> Json:
    if kind != JSON:
        return TEXT if kind.startswith("text/") else {}
    model = documented.model(endpoint)
    return {"type": "object"} if model is None else models.answered(model)


def _problem(endpoint: Endpoint, status: int, models: Models) -> Json:
    headers = _headers()
    if status in {401, 403} and endpoint.rule != "anyone":
        headers["WWW-Authenticate"] = _header("How to authenticate.", required=status == 401)
    if status in {429, 503}:
        headers["Retry-After"] = _header("Seconds to wait.")
    reply: Json = {"description": MEANINGS[status], "headers": headers}
    if endpoint.render_problem is ofrep_failure:
        return reply | {"content": {JSON: {"schema": models.answered(EvaluationFailure)}}}
    media = {"schema": models.answered(Problem), "example": _problem_example(status)}
    return reply | {"content": {MEDIA_TYPE: media}}


def _problem_example(status: int) -> Json:
    title = next((title for known, title in TABLE.values() if known == status), "Internal error")
    example: Json = {
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": MEANINGS[status],
        "instance": "/path/of/the/call",
    }
    if status == HTTPStatus.UNPROCESSABLE_ENTITY:
        example["errors"] = [{"pointer": "/limit", "detail": "must be at most 100"}]
    return example


def _headers() -> Json:
    return {
        "X-Request-Id": _header("What the logs call this request.", required=True),
        "X-Process-Time": _header("Seconds that the function took.", required=True),
        "Cache-Control": _header("How long the answer may be kept.", required=True),
    }


def _header(what: str, *, required: bool = False) -> Json:
    return {"description": what, "required": required, "schema": TEXT}
