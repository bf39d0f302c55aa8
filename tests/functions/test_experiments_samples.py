"""events/experiments/*.json: each sample is answered by its function."""

import json
from importlib import import_module
from pathlib import Path

import pytest

from tests.conftest import Headers
from tests.functions.experiment_calls import ROUTES, created

SAMPLES = Path(__file__).parents[2] / "events" / "experiments"
STATUS = {"create": 201, "delete": 204}


@pytest.mark.parametrize("operation", ROUTES)
def test_the_sample_event_is_answered(operation: str, as_user: Headers) -> None:
    sample = json.loads((SAMPLES / f"{operation}.json").read_text())
    sample["headers"] = {
        name: value for name, value in sample["headers"].items() if name != "x-api-key"
    } | as_user
    if operation != "create":
        created(as_user, traffic_allocation=20)

    answer = import_module(f"functions.experiments.{operation}").handler(sample)

    assert answer["statusCode"] == STATUS.get(operation, 200)
    assert sample["routeKey"] == " ".join(ROUTES[operation])
