"""What a function's IAM policies let it call: the local stack refuses the rest, as AWS would."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

PARTS = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
}
SINGULAR = {
    "SendMessageBatch": "SendMessage",
    "DeleteMessageBatch": "DeleteMessage",
    "PublishBatch": "Publish",
}


@dataclass(frozen=True, slots=True)
class Permission:
    """One action on one resource; the resource may end in a star."""

    action: str
    resource: str


def statements(policies: Iterable[Any], resources: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Each action and resource expression that a function's `Policies` allow, managed policies included."""
    found: list[tuple[str, Any]] = []
    for policy in policies:
        document = policy
        if "Ref" in policy:
            document = resources[policy["Ref"]]["Properties"]["PolicyDocument"]
        for statement in document["Statement"]:
            targets = statement["Resource"]
            targets = targets if isinstance(targets, list) else [targets]
            found += [(action, target) for action in statement["Action"] for target in targets]
    return found


def needed(service: str, operation: str, parameters: Mapping[str, Any]) -> set[Permission]:
    """The permissions that AWS asks for when a client of `service` calls `operation`."""
    if operation == "TransactWriteItems":
        return {
            Permission(f"dynamodb:{PARTS[kind]}", part["TableName"])
            for action in parameters["TransactItems"]
            for kind, part in action.items()
        }
    if operation == "TransactGetItems":
        tables = {action["Get"]["TableName"] for action in parameters["TransactItems"]}
        return {Permission("dynamodb:GetItem", table) for table in tables}
    if operation in {"BatchGetItem", "BatchWriteItem"}:
        return {Permission(f"dynamodb:{operation}", table) for table in parameters["RequestItems"]}
    return {Permission(f"{service}:{SINGULAR.get(operation, operation)}", _target(parameters))}


def _target(parameters: Mapping[str, Any]) -> str:
    if "Bucket" in parameters:
        return "/".join(parameters[part] for part in ("Bucket", "Key") if part in parameters)
    for name in ("TableName", "QueueUrl", "TopicArn", "SecretId"):
        if name in parameters:
            return str(parameters[name])
    return ""


def refused(wanted: Iterable[Permission], granted: Iterable[Permission]) -> list[Permission]:
    """Those wanted permissions that no granted one covers."""
    granted = list(granted)
    return [
        want
        for want in wanted
        if not any(have.action == want.action and _covers(have.resource, want.resource) for have in granted)
    ]


def _covers(pattern: str, target: str) -> bool:
    """Compare by name, since calls use names and URLs where policies use ARNs.

    >>> _covers("arn:aws:dynamodb:us-east-1:1:table/data", "data"), _covers("arn:aws:s3:::a/events/*", "a/b")
    (True, False)
    """
    if ":s3:::" in pattern:
        return fnmatchcase(target, pattern.split(":s3:::", 1)[1])
    return _name(pattern) == _name(target)


def _name(resource: str) -> str:
    return resource.replace("/", ":").rsplit(":", 1)[-1]
