"""`python -m local.deployment` - deploy the built stack into the emulator with `sam deploy`, and call it.

What CloudFormation would create is created once for real: functions with their layers (run as processes),
roles, tables, queues, event source mappings. Then an event goes through the topic and both queues into the
table and into the archive, and every function is called with its sample event.
"""

import gzip
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any

import yaml

from local.emulator import Emulator, EmulatorError
from local.paths import ROOT, TEMPLATE
from local.resources import client
from local.template import Function, Loader, read_template

SAM = ROOT / ".venv-sam" / "bin" / "sam"
BUILT = ROOT / ".aws-sam" / "build" / "template.yaml"
STACK = "deployed-locally"
PATIENCE_SECONDS = 90
EVENT = "deployed-locally"
IN_THE_BODY = {f"auth.{name}.handler" for name in ("token", "refresh", "revoke", "password")}  # who asks
REQUEST = {
    "version": "2.0",
    "rawQueryString": "",
    "isBase64Encoded": False,
    "requestContext": {"requestId": "deployed-locally", "domainName": "localhost", "stage": "$default"},
}


class DeploymentError(Exception):
    """What did not work."""


def emulated(document: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return the template that the emulator takes, and a line for each thing that it does not.

    >>> part = {"Type": "AWS::CloudWatch::Alarm", "Properties": {"Metrics": []}}
    >>> emulated({"Parameters": {}, "Resources": {"RateAlarm": part}})
    ({'Parameters': {}, 'Resources': {}}, ['alarms on metric math: RateAlarm'])
    """
    resources = dict(document["Resources"])
    computed = [
        name
        for name, each in resources.items()
        if each["Type"] == "AWS::CloudWatch::Alarm" and "Metrics" in each["Properties"]
    ]
    for name in computed:
        del resources[name]
    told = [f"alarms on metric math: {', '.join(computed)}"] if computed else []
    for name, each in resources.items():
        if each["Type"] == "AWS::Lambda::EventSourceMapping":
            each["Properties"]["MaximumBatchingWindowInSeconds"] = 1
            _number(each["Properties"]["ScalingConfig"], "MaximumConcurrency", document["Parameters"])
            told.append(f"parameters as numbers in {name}: written in, with a window of 1 s")
    return {**document, "Resources": resources}, told


def write_emulated(built: Path) -> tuple[Path, list[str]]:
    """Write what the emulator takes of a template and of those nested in it, a file beside each.

    Return the template's file, and a line for each thing that the emulator does not take.
    """
    template, told = emulated(yaml.load(built.read_text(), Loader=Loader))  # noqa: S506 - a SafeLoader
    for each in template["Resources"].values():
        if each["Type"] == "AWS::CloudFormation::Stack":
            nested, more = write_emulated(built.parent / each["Properties"]["TemplateURL"])
            each["Properties"]["TemplateURL"] = str(nested)
            told += more
    path = built.with_suffix(".emulated.json")
    path.write_text(json.dumps(template))
    return path, told


def _number(properties: dict[str, Any], name: str, parameters: dict[str, Any]) -> None:
    if isinstance(properties[name], dict):
        properties[name] = int(parameters[properties[name]["Ref"]]["Default"])


class Deployed:
    """The stack in the emulator."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint
        self._lambda = client("lambda", endpoint)
        described = client("cloudformation", endpoint).describe_stack_resources(StackName=STACK)
        self.names = {
            each["LogicalResourceId"]: each["PhysicalResourceId"] for each in described["StackResources"]
        }
        self._headers = {"content-type": "application/json", "host": "localhost"}

    def client(self, service: str) -> Any:
        """Return a client of the emulator."""
        return client(service, self._endpoint)

    def alarms(self) -> int:
        """Count the alarms; DeploymentError when there are none."""
        found = self.client("cloudwatch").describe_alarms()["MetricAlarms"]
        if not found:
            raise DeploymentError("there are no alarms")
        return len(found)

    def log_in(self) -> None:
        """Log in as the administrator, with the password that the deployment generated."""
        secret = self.client("secretsmanager").get_secret_value(SecretId=self.names["AdminSecret"])
        body = {"username": "admin", "password": secret["SecretString"]}
        token = self.call("AuthTokenFunction", "POST", "/auth/token", body)["access_token"]
        self._headers["authorization"] = f"Bearer {token}"

    def call(self, function: str, method: str, path: str, body: object = None, query: str = "") -> Any:
        """Invoke a function as the gateway would; DeploymentError unless it answers 2xx."""
        context = {
            **REQUEST["requestContext"],  # type: ignore[dict-item]
            "http": {"method": method, "path": path, "sourceIp": "127.0.0.1", "protocol": "HTTP/1.1"},
        }
        route = {"routeKey": f"{method} {path}", "rawPath": path, "rawQueryString": query}
        event = {**REQUEST, **route, "headers": self._headers, "requestContext": context}
        if body is not None:
            event["body"] = json.dumps(body)
        document = self._invoke(function, event)
        if document["statusCode"] // 100 != 2:
            raise DeploymentError(f"{function} answered {document}")
        return json.loads(document["body"])

    def try_sample(self, function: Function) -> str:
        """Invoke a function with its sample event; return what it answered, DeploymentError unless it works.

        What a sample names need not be there, so a refusal (4xx) is an answer too, but not of who asks.
        """
        path = ROOT / "events" / Path(*function.handler.split(".")[:-1]).with_suffix(".json")
        event = json.loads(path.read_text())
        if "headers" in event:
            event["headers"] = event["headers"] | self._headers
            event["headers"].pop("x-api-key", None)  # which names no key
        document = self._invoke(function.name, event) or {}
        status = document.get("statusCode", 200)
        is_refused = status == HTTPStatus.UNAUTHORIZED and function.handler not in IN_THE_BODY
        if status >= 500 or is_refused or document.get("batchItemFailures"):
            raise DeploymentError(f"{function.name} answered {document}")
        return str(status) if "statusCode" in document else "done"

    def archived(self) -> str:
        """Return the lines of all objects of the archive."""
        s3, bucket = self.client("s3"), self.names["ArchiveBucket"]
        listed = s3.list_objects_v2(Bucket=bucket).get("Contents", [])
        contents = [s3.get_object(Bucket=bucket, Key=each["Key"])["Body"].read() for each in listed]
        return b"".join(gzip.decompress(content) for content in contents).decode()

    def _invoke(self, function: str, event: dict[str, Any]) -> Any:
        answer = self._lambda.invoke(FunctionName=self.names[function], Payload=json.dumps(event))
        document = json.loads(answer["Payload"].read())
        if answer.get("FunctionError"):
            raise DeploymentError(f"{function} failed: {document}")
        return document


def _deploy(endpoint: str, environment: dict[str, str], say: Callable[[str], None]) -> None:
    path, told = write_emulated(BUILT)
    for line in told:
        say(f"the emulator cannot do {line}")
    chosen = ["--config-file", str(ROOT / "samconfig.toml"), "--config-env", "local", "--stack-name", STACK]
    done = subprocess.run(
        [str(SAM), "deploy", "--template-file", str(path), *chosen],
        cwd=ROOT,
        env={**os.environ, **environment, "SAM_CLI_TELEMETRY": "0", "AWS_ENDPOINT_URL": endpoint},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise DeploymentError(f"sam deploy failed:\n{done.stdout[-4000:]}{done.stderr[-1000:]}")


def _use(deployed: Deployed, say: Callable[[str], None]) -> None:
    deployed.call("HealthFunction", "GET", "/health")
    deployed.log_in()
    variants = [{"key": "a", "weight": 50}, {"key": "b", "weight": 50}]
    made = deployed.call(
        "ExperimentsCreateFunction", "POST", "/experiments", {"name": "X", "variants": variants}
    )
    say(f"made {made['id']}")
    event = {"user_id": "u1", "type": "purchase", "event_id": EVENT}
    deployed.call("EventsRecordFunction", "POST", "/events", event)
    started = time.monotonic()
    _wait_for(
        lambda: deployed.call("EventsListFunction", "GET", "/events", query="user_id=u1")["events"], "table"
    )
    _wait_for(lambda: EVENT in deployed.archived(), "archive")
    say(
        f"an event went through topic, queues and workers into table and archive in "
        f"{time.monotonic() - started:.1f} s"
    )
    answers = Counter(deployed.try_sample(function) for function in read_template(TEMPLATE).functions)
    say(f"called every function with its sample event: {dict(sorted(answers.items()))}")


def _wait_for(there: Callable[[], Any], place: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not there():
        if time.monotonic() > deadline:
            raise DeploymentError(f"the event was not in the {place} after {PATIENCE_SECONDS} s")
        time.sleep(0.5)


def _run(data: Path, say: Callable[[str], None]) -> None:
    emulator = Emulator(data)
    emulator.start()
    try:
        emulator.wait()
        started = time.monotonic()
        _deploy(emulator.endpoint, emulator.environment, say)
        deployed = Deployed(emulator.endpoint)
        say(
            f"deployed {len(deployed.names)} resources, and {deployed.alarms()} alarms in the nested stack, "
            f"in {time.monotonic() - started:.0f} s"
        )
        _use(deployed, say)
    except DeploymentError:
        sys.stderr.write((data / "emulator.log").read_text()[-2000:])
        raise
    finally:
        emulator.stop()


def main() -> int:
    """Deploy, call, and take it all away again."""
    try:
        with tempfile.TemporaryDirectory() as data:
            _run(Path(data), lambda line: print(line, flush=True))
    except (DeploymentError, EmulatorError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
