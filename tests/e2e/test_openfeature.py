"""Real OpenFeature providers against the running stack: nothing of ours on the client's side."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from openfeature import api
from openfeature.client import OpenFeatureClient
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import ErrorCode
from openfeature.flag_evaluation import Reason

from experimentation.domain.bucketing import decide
from tests.e2e.conftest import RunningStack

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("stack")]

HALVES = [("off", 500_000), ("on", 500_000)]
CONFIGS: dict[str, tuple[Any, Any]] = {
    "of-boolean": (False, True),
    "of-float": (0.5, {"value": 10.0}),
    "of-integer": (1, 10),
    "of-object": ({"color": "blue"}, {"color": "green"}),
    "of-string": ("blue", "green"),
    "of-without-config": (None, None),
}
JAVASCRIPT = Path(__file__).parent / "openfeature"


@pytest.fixture(scope="module")
def authorization(stack: RunningStack) -> dict[str, str]:
    """The header of the administrator, after the flags have been made."""
    headers = {"Authorization": f"Bearer {stack.token()}"}
    with httpx.Client(base_url=stack.base_url, headers=headers, timeout=30) as http:
        for name, (off, on) in CONFIGS.items():
            variants = [
                {"key": "off", "weight": 50, "config": off},
                {"key": "on", "weight": 50, "config": on},
            ]
            body = {"id": name, "name": name, "variants": variants, "overrides": {"qa-1": "on"}}
            http.post("/experiments", json=body).raise_for_status()
            http.post(f"/experiments/{name}/status", json={"status": "running"}).raise_for_status()
        http.post("/experiments", json=body | {"id": "of-draft", "overrides": {}}).raise_for_status()
    return headers


@pytest.fixture
def client(stack: RunningStack, authorization: dict[str, str]) -> Iterator[OpenFeatureClient]:
    """An OpenFeature client as an application has it."""
    api.set_provider(OFREPProvider(stack.base_url, headers_factory=lambda: authorization, timeout=20))
    yield api.get_client()
    api.shutdown()


def user_of(flag: str, variant: str) -> EvaluationContext:
    users = (f"user-{number}" for number in range(1_000))
    user = next(user for user in users if decide(flag, user, 1_000_000, HALVES) == variant)
    return EvaluationContext(user, {"country": "DE", "age": 7})


def test_values_of_every_type_arrive_as_they_were_configured(client: OpenFeatureClient) -> None:
    found = [
        client.get_boolean_value("of-boolean", False, user_of("of-boolean", "on")),
        client.get_float_value("of-float", 0.0, user_of("of-float", "on")),
        client.get_integer_value("of-integer", 0, user_of("of-integer", "on")),
        client.get_object_value("of-object", {}, user_of("of-object", "on")),
        client.get_string_value("of-string", "", user_of("of-string", "on")),
        client.get_string_value("of-without-config", "", user_of("of-without-config", "on")),
    ]

    assert found == [True, 10.0, 10, {"color": "green"}, "green", "on"]
    assert isinstance(found[1], float)


@pytest.mark.parametrize(
    ("flag", "context", "variant", "reason"),
    [
        ("of-string", user_of("of-string", "off"), "off", Reason.SPLIT),
        ("of-string", user_of("of-string", "on"), "on", Reason.SPLIT),
        ("of-string", EvaluationContext("qa-1"), "on", Reason.TARGETING_MATCH),
        ("of-draft", EvaluationContext("u1"), "off", Reason.DISABLED),
    ],
)
def test_the_details_say_why(
    client: OpenFeatureClient, flag: str, context: EvaluationContext, variant: str, reason: Reason
) -> None:
    details = client.get_string_details(flag, "default", context)

    assert (details.variant, details.reason, details.error_code) == (variant, reason, None)
    assert details.flag_metadata == {"enrolled": reason is not Reason.DISABLED}


@pytest.mark.parametrize(
    ("flag", "context", "code"),
    [
        ("of-nothing", EvaluationContext("u1"), ErrorCode.FLAG_NOT_FOUND),
        ("of-string", EvaluationContext(None, {"country": "DE"}), ErrorCode.TARGETING_KEY_MISSING),
        ("of-string", EvaluationContext("u1", {"nested": {"a": 1}}), ErrorCode.INVALID_CONTEXT),
        ("of-boolean", EvaluationContext("u1"), ErrorCode.TYPE_MISMATCH),
    ],
)
def test_an_error_gives_the_default_and_its_code(
    client: OpenFeatureClient, flag: str, context: EvaluationContext, code: ErrorCode
) -> None:
    details = client.get_string_details(flag, "default", context)

    assert (details.value, details.reason, details.error_code) == ("default", Reason.ERROR, code)


@pytest.mark.skipif("OPENFEATURE_NODE_MODULES" not in os.environ, reason="needs npm: see docs/openfeature.md")
def test_the_javascript_providers_work_unchanged(stack: RunningStack, authorization: dict[str, str]) -> None:
    node = shutil.which("node")
    assert node

    done = subprocess.run(
        [node, str(JAVASCRIPT / "providers.cjs")],
        env={
            **os.environ,
            "NODE_PATH": os.environ["OPENFEATURE_NODE_MODULES"],
            "BASE_URL": stack.base_url,
            "AUTHORIZATION": authorization["Authorization"],
            "USER_ON": user_of("of-object", "on").targeting_key or "",
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "ok"
