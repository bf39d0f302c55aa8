"""What a function's IAM policies let it call: the local stack refuses the rest, as AWS would."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from glob import escape
from typing import Any, NamedTuple

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
    "ListObjectsV2": "ListBucket",
    "ListObjectVersions": "ListBucketVersions",
    "CreateMultipartUpload": "PutObject",
    "UploadPart": "PutObject",
    "CompleteMultipartUpload": "PutObject",
    "ListParts": "ListMultipartUploadParts",
}
OF_A_VERSION = {"GetObject": "GetObjectVersion", "DeleteObject": "DeleteObjectVersion"}
NOT_TRIED = {"dynamodb:Attributes", "dynamodb:ReturnValues"}


@dataclass(frozen=True, slots=True)
class Permission:
    """One action on one resource, which may end in a star.

    `keys` are the partition keys that a call names, or the patterns that a policy confines it to (none: all).
    """

    action: str
    resource: str
    keys: tuple[str, ...] = ()


class Grant(NamedTuple):
    """What a statement allows: an action on a resource expression, on items of these partition keys."""

    action: str
    target: Any
    keys: tuple[str, ...] = ()


def statements(policies: Iterable[Any], resources: Mapping[str, Any]) -> list[Grant]:
    """Each grant that a function's `Policies` hold, managed policies included."""
    found: list[Grant] = []
    for policy in policies:
        document = policy
        if "Ref" in policy:
            document = resources[policy["Ref"]]["Properties"]["PolicyDocument"]
        for statement in document["Statement"]:
            targets = statement["Resource"]
            targets = targets if isinstance(targets, list) else [targets]
            keys = _leading_keys(statement.get("Condition", {}))
            found += [Grant(action, target, keys) for action in statement["Action"] for target in targets]
    return found


def _leading_keys(condition: Mapping[str, Mapping[str, Any]]) -> tuple[str, ...]:
    """Return the patterns of a condition's partition keys; ValueError where it asks what is not tried."""
    patterns: tuple[str, ...] = ()
    for operator, values in condition.items():
        for name, allowed in values.items():
            if name == "dynamodb:LeadingKeys" and operator == "ForAllValues:StringLike":
                patterns = tuple(allowed)
            elif name == "dynamodb:LeadingKeys" and operator == "ForAllValues:StringEquals":
                patterns = tuple(map(escape, allowed))
            elif name not in NOT_TRIED:
                raise ValueError(f"the local stack does not know {operator} of {name}")
    return patterns


def needed(service: str, operation: str, parameters: Mapping[str, Any]) -> set[Permission]:
    """The permissions that AWS asks for when a client of `service` calls `operation`."""
    if operation == "TransactWriteItems":
        return {
            Permission(f"dynamodb:{PARTS[kind]}", part["TableName"], _keys(part))
            for action in parameters["TransactItems"]
            for kind, part in action.items()
        }
    if operation == "TransactGetItems":
        tables = {action["Get"]["TableName"] for action in parameters["TransactItems"]}
        return {Permission("dynamodb:GetItem", table) for table in tables}
    if operation in {"BatchGetItem", "BatchWriteItem"}:
        return {
            Permission(f"dynamodb:{operation}", table, _batch_keys(request))
            for table, request in parameters["RequestItems"].items()
        }
    known = OF_A_VERSION if "VersionId" in parameters else SINGULAR
    action = f"{service}:{known.get(operation, operation)}"
    return {Permission(action, _target(parameters), _keys(parameters))}


def _keys(parameters: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the partition key that a call of DynamoDB's names, in a table that has one called PK."""
    item = parameters.get("Key") or parameters.get("Item")
    if isinstance(item, Mapping) and "PK" in item:
        return (item["PK"]["S"],)
    named = re.search(r"\bPK = (:\w+)", str(parameters.get("KeyConditionExpression", "")))
    return (parameters["ExpressionAttributeValues"][named[1]]["S"],) if named else ()


def _batch_keys(request: Any) -> tuple[str, ...]:
    """Return the partition keys of a batch read; a batch of writes names none here."""
    keys = request.get("Keys", ()) if isinstance(request, Mapping) else ()
    return tuple(key["PK"]["S"] for key in keys if "PK" in key)


def _target(parameters: Mapping[str, Any]) -> str:
    if "Bucket" in parameters:
        return "/".join(parameters[part] for part in ("Bucket", "Key") if part in parameters)
    if "Entries" in parameters and "EventBusName" in parameters["Entries"][0]:
        return str(parameters["Entries"][0]["EventBusName"])
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
        if not any(
            have.action == want.action
            and _covers(have.resource, want.resource)
            and _confines(have.keys, want.keys)
            for have in granted
        )
    ]


def _confines(patterns: tuple[str, ...], keys: tuple[str, ...]) -> bool:
    """Tell whether a call's partition keys are among those that a policy allows.

    >>> _confines(("DENY", "AUDIT#*"), ("AUDIT#20785",)), _confines(("DENY",), ("ACCOUNT",))
    (True, False)
    """
    if not patterns:
        return True
    return bool(keys) and all(any(fnmatchcase(key, each) for each in patterns) for key in keys)


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
