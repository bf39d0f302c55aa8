"""What template.yaml says that the local stack serves: functions, routes, queues, schedules, parameters."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from local.access import Grant, statements

EMULATED = ("DynamoDB", "Events", "S3", "SecretsManager", "SNS", "SQS")
DEFAULT_ROUTE = "$default"
ENDPOINT = "AWS_ENDPOINT_URL"


@dataclass(frozen=True, slots=True)
class Route:
    """A method and a path pattern of the API; the default route has neither."""

    method: str
    path: str

    @property
    def key(self) -> str:
        """The routeKey of API Gateway, such as `GET /experiments/{experiment_id}`."""
        return f"{self.method} {self.path}" if self.path else DEFAULT_ROUTE


@dataclass(frozen=True, slots=True)
class QueueMapping:
    """An event source mapping; its values are still CloudFormation expressions."""

    queue: Any
    batch_size: Any
    window_seconds: Any
    concurrency: Any


@dataclass(frozen=True, slots=True)
class Function:
    """One Lambda function; environment values and resources in policies are still expressions.

    The environment is without ENDPOINT: who runs the function knows where the emulator is.
    """

    name: str
    handler: str
    timeout_seconds: int
    memory_megabytes: int
    environment: dict[str, Any]
    policies: tuple[Grant, ...]
    routes: tuple[Route, ...]
    mappings: tuple[QueueMapping, ...]
    schedules: tuple[str, ...]
    layers: tuple[str, ...] = ()

    @property
    def operations(self) -> tuple[Route, ...]:
        """Its routes without those of HEAD and OPTIONS, which document nothing of their own."""
        return tuple(each for each in self.routes if each.method not in {"HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Template:
    """The parts of template.yaml that the local stack serves."""

    parameters: dict[str, Any]
    conditions: dict[str, Any]
    resources: dict[str, Any]
    functions: tuple[Function, ...]


class Loader(yaml.SafeLoader):
    """Reads CloudFormation's short tags as their long form."""


def _long_form(loader: Loader, tag: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        assert isinstance(node, yaml.MappingNode)  # noqa: S101 - the only other kind of node
        value = loader.construct_mapping(node, deep=True)
    if tag == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {tag if tag in {"Ref", "Condition"} else f"Fn::{tag}": value}


Loader.add_multi_constructor("!", _long_form)


def _function(
    name: str, properties: dict[str, Any], common: dict[str, Any], resources: dict[str, Any]
) -> Function:
    merged = common | properties
    variables = {
        **common.get("Environment", {}).get("Variables", {}),
        **properties.get("Environment", {}).get("Variables", {}),
    }
    variables.pop(ENDPOINT, None)
    events = [(event["Type"], event.get("Properties", {})) for event in merged.get("Events", {}).values()]
    return Function(
        name=name,
        handler=merged["Handler"],
        timeout_seconds=int(merged.get("Timeout", 3)),
        memory_megabytes=int(merged.get("MemorySize", 128)),
        environment=variables,
        policies=tuple(statements(merged.get("Policies", []), resources)),
        routes=tuple(_route(event) for kind, event in events if kind == "HttpApi"),
        mappings=tuple(
            _mapping(each["Properties"])
            for each in resources.values()
            if each["Type"] == "AWS::Lambda::EventSourceMapping"
            and each["Properties"]["FunctionName"] == {"Ref": name}
        ),
        schedules=tuple(event["ScheduleExpression"] for kind, event in events if kind == "ScheduleV2"),
        layers=tuple(layer["Ref"] for layer in [*common.get("Layers", []), *properties.get("Layers", [])]),
    )


def _route(event: dict[str, Any]) -> Route:
    return Route(method=event.get("Method", "").upper(), path=event.get("Path", ""))


def _mapping(properties: dict[str, Any]) -> QueueMapping:
    return QueueMapping(
        queue=properties["EventSourceArn"],
        batch_size=properties.get("BatchSize", 10),
        window_seconds=properties.get("MaximumBatchingWindowInSeconds", 0),
        concurrency=properties.get("ScalingConfig", {}).get("MaximumConcurrency", 2),
    )


def read_template(path: Path) -> Template:
    """Read a SAM template with its functions in the order of the file."""
    document = yaml.load(path.read_text(), Loader=Loader)  # noqa: S506 - a SafeLoader with CloudFormation's tags
    common = document.get("Globals", {}).get("Function", {})
    resources = document["Resources"]
    return Template(
        parameters=document.get("Parameters", {}),
        conditions=document.get("Conditions", {}),
        resources={n: r for n, r in resources.items() if r["Type"].split("::")[1] in EMULATED},
        functions=tuple(
            _function(name, resource["Properties"], common, resources)
            for name, resource in resources.items()
            if resource["Type"] == "AWS::Serverless::Function"
        ),
    )
