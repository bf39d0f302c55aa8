"""What a function's code can reach: a walk over names, from a handler through the layer; nothing is run.

It errs on the side of too much: a method counts as reached when its class is and anything reached names it,
so what it does not find is not used.
"""

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from local.paths import FUNCTIONS, LAYER

AUTHENTICATION = "experimentation.web.principals", "authenticate"
REFUSING = "experimentation.web.refusals", "note"  # somebody who is known
SENDING = "experimentation.storage.aws.first_attempt", "FirstAttempt"  # how calls go out, not which
OPERATIONS = {
    "get_item": "dynamodb:GetItem",
    "put_item": "dynamodb:PutItem",
    "update_item": "dynamodb:UpdateItem",
    "delete_item": "dynamodb:DeleteItem",
    "query": "dynamodb:Query",
    "scan": "dynamodb:Scan",
    "batch_get_item": "dynamodb:BatchGetItem",
    "batch_write_item": "dynamodb:BatchWriteItem",
    "publish": "sns:Publish",
    "put_events": "events:PutEvents",
    "publish_batch": "sns:Publish",
    "send_message": "sqs:SendMessage",
    "send_message_batch": "sqs:SendMessage",
    "receive_message": "sqs:ReceiveMessage",
    "delete_message_batch": "sqs:DeleteMessage",
    "get_queue_attributes": "sqs:GetQueueAttributes",
    "put_object": "s3:PutObject",
    "get_object": "s3:GetObject",
    "create_multipart_upload": "s3:PutObject",
    "upload_part": "s3:PutObject",
    "complete_multipart_upload": "s3:PutObject",
    "list_parts": "s3:ListMultipartUploadParts",
    "generate_presigned_url": "s3:GetObject",  # the one that is signed here
    "list_objects_v2": "s3:ListBucket",
    "list_object_versions": "s3:ListBucketVersions",
    "get_secret_value": "secretsmanager:GetSecretValue",
}
OF_A_VERSION = {"get_object": "s3:GetObjectVersion", "delete_object": "s3:DeleteObjectVersion"}
PARTS = {
    "Put": "dynamodb:PutItem",
    "Update": "dynamodb:UpdateItem",
    "Delete": "dynamodb:DeleteItem",
    "ConditionCheck": "dynamodb:ConditionCheckItem",
}


class Symbol(NamedTuple):
    """A top-level name of a module, or a method `Class.method`."""

    module: str
    name: str


class Use(NamedTuple):
    """An IAM action, and the function of settings.py that names its target beside it ("" where none does)."""

    action: str
    setting: str


class Reach(NamedTuple):
    """What the code behind one handler can do."""

    settings: frozenset[str]
    environment: frozenset[str]
    uses: frozenset[Use]


class Module:
    """A parsed file: what its names are."""

    def __init__(self, name: str, path: Path) -> None:
        self.name = name
        self.definitions: dict[str, ast.AST] = {}
        self.methods: dict[str, dict[str, ast.AST]] = {}
        self.modules: dict[str, str] = {}
        self.imported: dict[str, Symbol] = {}
        tree = ast.parse(path.read_text())
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                self.modules |= {alias.asname or alias.name: alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                for alias in node.names:
                    self._import(alias.asname or alias.name, node.module, alias.name)
        for node in tree.body:
            self._define(node)

    def _import(self, local_name: str, module: str, name: str) -> None:
        if file_of(f"{module}.{name}"):
            self.modules[local_name] = f"{module}.{name}"
        else:
            self.imported[local_name] = Symbol(module, name)

    def _define(self, node: ast.stmt) -> None:
        if isinstance(node, ast.FunctionDef):
            self.definitions[node.name] = node
        elif isinstance(node, ast.ClassDef):
            methods = [each for each in node.body if isinstance(each, ast.FunctionDef)]
            self.methods[node.name] = {each.name: each for each in methods}
            rest = [each for each in node.body if not isinstance(each, ast.FunctionDef)]
            self.definitions[node.name] = ast.Module(
                body=[*rest, *(ast.Expr(each) for each in [*node.bases, *node.decorator_list])],
                type_ignores=[],
            )
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    self.definitions[target.id] = node
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            self.definitions[node.target.id] = node


@cache
def file_of(module: str) -> Path | None:
    """Return the file of a module of ours; None of another's."""
    roots = {"experimentation": LAYER, "functions": FUNCTIONS.parent}
    root = roots.get(module.split(".", maxsplit=1)[0])
    if root is None:
        return None
    path = root.joinpath(*module.split("."))
    return next((each for each in (path.with_suffix(".py"), path / "__init__.py") if each.is_file()), None)


@cache
def parsed(module: str) -> Module | None:
    """Return a module of ours."""
    path = file_of(module)
    return Module(module, path) if path else None


def _references(node: ast.AST, module: Module) -> Iterator[Symbol]:
    for each in ast.walk(node):
        if isinstance(each, ast.Name):
            if each.id in module.definitions:
                yield Symbol(module.name, each.id)
            elif each.id in module.imported:
                yield module.imported[each.id]
        elif (
            isinstance(each, ast.Attribute)
            and isinstance(each.value, ast.Name)
            and each.value.id in module.modules
        ):
            yield Symbol(module.modules[each.value.id], each.attr)


def _actions(node: ast.AST) -> Iterator[str]:
    for each in ast.walk(node):
        if isinstance(each, ast.Call) and isinstance(each.func, ast.Attribute):
            name = each.func.attr
            if name == "get_paginator" and isinstance(each.args[0], ast.Constant):
                name = str(each.args[0].value)
            if name in OF_A_VERSION and "VersionId" in {keyword.arg for keyword in each.keywords}:
                yield OF_A_VERSION[name]
            elif name in OPERATIONS and (
                each.keywords or name != each.func.attr
            ):  # AWS's take keywords alone
                yield OPERATIONS[name]
        elif isinstance(each, ast.Dict):
            for key in each.keys:
                if isinstance(key, ast.Constant) and key.value in PARTS:
                    yield PARTS[key.value]


class _Walk:
    def __init__(self, without: Iterable[Symbol]) -> None:
        self.seen: set[Symbol] = set(without)
        self.mentioned: set[str] = set()
        self.waiting: dict[str, list[Symbol]] = defaultdict(list)
        self.settings: set[str] = set()
        self.environment: set[str] = set()
        self.uses: set[Use] = set()
        self.todo: list[Symbol] = []

    def run(self, start: Symbol) -> Reach:
        self.todo.append(start)
        while self.todo:
            self._visit(self.todo.pop())
        return Reach(frozenset(self.settings), frozenset(self.environment), frozenset(self.uses))

    def _visit(self, symbol: Symbol) -> None:
        module = parsed(symbol.module)
        if symbol in self.seen or module is None:
            return
        self.seen.add(symbol)
        if symbol.name in module.imported:  # imported from elsewhere, and from here again
            self.todo.append(module.imported[symbol.name])
            return
        owner, _, method = symbol.name.partition(".")
        node = module.methods[owner][method] if method else module.definitions.get(owner)
        if node is None:
            return
        self._note(node, module)
        if not method and owner in module.methods:
            self._meet_class(module, owner)

    def _note(self, node: ast.AST, module: Module) -> None:
        found = list(_references(node, module))
        self.todo += found
        named = {each.name for each in found if each.module == "experimentation.settings"}
        if module.name == "experimentation.settings":
            texts = [each.value for each in ast.walk(node) if isinstance(each, ast.Constant)]
            self.environment |= {text for text in texts if isinstance(text, str) and text.isupper()}
            return
        self.settings |= named
        self.uses |= {Use(action, setting) for action in _actions(node) for setting in named or {""}}
        for each in ast.walk(node):
            if isinstance(each, ast.Attribute) and each.attr not in self.mentioned:
                self.mentioned.add(each.attr)
                self.todo += self.waiting.pop(each.attr, [])

    def _meet_class(self, module: Module, name: str) -> None:
        for method in module.methods[name]:
            symbol = Symbol(module.name, f"{name}.{method}")
            if method.startswith("__") or method in self.mentioned:
                self.todo.append(symbol)
            else:
                self.waiting[method].append(symbol)


@cache
def reach(module: str, *, authenticates: bool) -> Reach:
    """Return what `handler` of a module under functions/ can reach; open routes know nobody."""
    known = set() if authenticates else {Symbol(*AUTHENTICATION), Symbol(*REFUSING)}
    without = known | {Symbol(*SENDING)}
    return _Walk(without).run(Symbol(f"functions.{module}", "handler"))
