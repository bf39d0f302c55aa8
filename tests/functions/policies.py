"""What a function's policies let it do in the tables, held against each call that it makes."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any, NamedTuple

from botocore.client import BaseClient

from local.access import Permission, needed, refused
from local.paths import TEMPLATE
from local.template import read_template

TABLES = {"DataTable": "DATA_TABLE", "AccountsTable": "ACCOUNTS_TABLE"}
POLICIES = {each.handler: each.policies for each in read_template(TEMPLATE).functions}


class Call(NamedTuple):
    """A call of DynamoDB."""

    operation: str
    parameters: dict[str, Any]


_recording: ContextVar[list[Call] | None] = ContextVar("recording", default=None)


@cache
def _listen() -> None:
    """Note each call of DynamoDB in the recording of its thread, from now on."""
    inner = BaseClient._make_api_call

    def noted(client: Any, operation: str, parameters: dict[str, Any]) -> Any:
        made = _recording.get()
        if made is not None and client.meta.service_model.service_name == "dynamodb":
            made.append(Call(operation, parameters))
        return inner(client, operation, parameters)

    BaseClient._make_api_call = noted


@contextmanager
def recorded() -> Iterator[list[Call]]:
    """Record the calls of DynamoDB that are made meanwhile, but those of a recording inside this one."""
    _listen()
    made: list[Call] = []
    before = _recording.set(made)
    try:
        yield made
    finally:
        _recording.reset(before)


def refusals(handler: str, calls: list[Call]) -> list[Permission]:
    """Return what IAM would refuse of a function's calls, whatever the tables are called here."""
    granted = [
        Permission(each.action, os.environ.get(TABLES.get(name, ""), name), each.keys)
        for each in POLICIES[handler]
        if (name := each.target.get("Fn::GetAtt", [""])[0])
    ]
    return [denied for call in calls for denied in refused(needed("dynamodb", *call), granted)]
