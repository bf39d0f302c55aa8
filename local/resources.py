"""Creates the template's resources in the emulator, which resolves the template's expressions."""

import hashlib
import json
import os
import re
import shlex
import time
from collections.abc import Mapping
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from local.emulator import CREDENTIALS, REGION, EmulatorError
from local.template import Template

STACK = "experimentation"
LOCAL_PARAMETERS = {"ArchiveWindowSeconds": "2"}  # nobody wants to wait a minute for the archive's file
SET_PARAMETERS = "PARAMETERS"  # name of the environment variable that sets others


def client(service: str, endpoint: str) -> Any:
    """A boto3 client of the emulator."""
    return boto3.session.Session().client(
        service,
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        config=Config(retries={"total_max_attempts": 2}),
    )


def create(template: Template, expressions: Mapping[str, Any], endpoint: str) -> dict[str, str]:
    """Create or update the stack, and return what each CloudFormation expression comes to.

    The emulator's CloudFormation resolves them: each is an output of the stack.
    """
    distinct = {json.dumps(expression): expression for expression in expressions.values()}
    outputs = {key: f"V{i}" for i, key in enumerate(sorted(distinct))}
    body = {
        "Parameters": template.parameters,
        "Conditions": template.conditions,
        "Resources": template.resources,
        "Outputs": {outputs[key]: {"Value": expression} for key, expression in distinct.items()},
    }
    text = json.dumps(body, sort_keys=True)
    chosen = parameters(os.environ.get(SET_PARAMETERS, ""), template.parameters)
    digest = hashlib.sha256(f"{text}{sorted(chosen.items())}".encode()).hexdigest()[:32]
    cloudformation = client("cloudformation", endpoint)
    stack = _stack(text, digest, chosen, cloudformation)
    _expire_items(template, cloudformation, client("dynamodb", endpoint))
    values = {output["OutputKey"]: str(output["OutputValue"]) for output in stack.get("Outputs", [])}
    return {
        name: _at(endpoint, values[outputs[json.dumps(expression)]])
        for name, expression in expressions.items()
    }


def parameters(text: str, known: Mapping[str, Any]) -> dict[str, str]:
    """Return what `Name=Value Name="two words"` sets beside the local defaults; EmulatorError for others.

    >>> parameters('OidcIssuer=http://127.0.0.1:9400 OidcName="Our ID"', {"OidcIssuer": 0, "OidcName": 0})
    {'ArchiveWindowSeconds': '2', 'OidcIssuer': 'http://127.0.0.1:9400', 'OidcName': 'Our ID'}
    """
    given = dict(part.partition("=")[::2] for part in shlex.split(text))
    unknown = given.keys() - known.keys()
    if unknown:
        raise EmulatorError(f"template.yaml has no parameter {', '.join(sorted(unknown))}")
    return LOCAL_PARAMETERS | given


def _stack(text: str, digest: str, chosen: Mapping[str, str], cloudformation: Any) -> dict[str, Any]:
    request = {
        "StackName": STACK,
        "TemplateBody": text,
        "Parameters": [{"ParameterKey": name, "ParameterValue": value} for name, value in chosen.items()],
        "Tags": [{"Key": "template", "Value": digest}],
    }
    current = _described(cloudformation)
    if current is None:
        cloudformation.create_stack(**request)
    elif {"Key": "template", "Value": digest} not in current.get("Tags", []):
        cloudformation.update_stack(**request)
    while (stack := _described(cloudformation)) is not None and "IN_PROGRESS" in stack["StackStatus"]:
        time.sleep(0.05)
    if stack is None or stack["StackStatus"] not in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}:
        status = stack["StackStatus"] if stack else "gone"
        raise EmulatorError(f"the stack's resources are {status}; RESET=1 starts with empty data")
    return stack


def _expire_items(template: Template, cloudformation: Any, dynamodb: Any) -> None:
    """The emulator's CloudFormation leaves out the tables' time to live."""
    for made in cloudformation.describe_stack_resources(StackName=STACK)["StackResources"]:
        properties = template.resources[made["LogicalResourceId"]].get("Properties", {})
        table, expiry = made["PhysicalResourceId"], properties.get("TimeToLiveSpecification")
        if expiry is None:
            continue
        current = dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
        if current["TimeToLiveStatus"] == "DISABLED":
            dynamodb.update_time_to_live(TableName=table, TimeToLiveSpecification=expiry)


def _described(cloudformation: Any) -> dict[str, Any] | None:
    try:
        stack: dict[str, Any] = cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]
    except ClientError:
        return None
    return None if stack["StackStatus"] == "DELETE_COMPLETE" else stack


def _at(endpoint: str, value: str) -> str:
    """A queue's URL names the port of the run that made it; the emulator takes a new one every time."""
    return re.sub(r"^http://(127\.0\.0\.1|localhost):\d+(?=/\d{12}/)", endpoint, value)
