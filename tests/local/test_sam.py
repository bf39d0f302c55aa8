"""What is made of the built template for `sam local` and for a deployment into the emulator."""

import subprocess
import sys
from typing import Any

import pytest
import yaml

from local import sam_local
from local.deployment import emulated
from local.paths import ROOT, TEMPLATE
from local.template import Loader, read_template


@pytest.fixture
def document() -> dict[str, Any]:
    """The template as it is, which is what `sam build` starts from."""
    made: dict[str, Any] = yaml.load(TEMPLATE.read_text(), Loader=Loader)
    return made


def test_sam_local_serves_every_route_with_names_in_place(document: dict[str, Any]) -> None:
    functions = read_template(TEMPLATE).functions
    environments = {each.name: dict.fromkeys(each.environment, "resolved") for each in functions}

    made = sam_local.served(document, environments, "http://host.docker.internal:4566")

    for function in functions:
        properties = made["Resources"][function.name]["Properties"]
        assert (
            properties["Environment"]["Variables"]["AWS_ENDPOINT_URL"] == "http://host.docker.internal:4566"
        )
        assert len(properties["Events"]) == len(function.routes)
    left = str(made)
    for expression in ("Fn::GetAtt", "Fn::Sub", "Fn::If", "DataTable"):
        assert expression not in left


def test_emulator_gets_all_but_what_it_cannot_do(document: dict[str, Any]) -> None:
    before = set(document["Resources"])

    made, told = emulated(document)

    gone = before - set(made["Resources"])
    assert gone == {"ServerErrorsAlarm", "TableThrottlesAlarm", "RejectedEventsAlarm"}
    assert all(name in told[0] for name in gone)
    event = made["Resources"]["RecordEventsFunction"]["Properties"]["Events"]["Queue"]["Properties"]
    assert event["ScalingConfig"] == {"MaximumConcurrency": 4}


def test_without_docker_one_line_says_so() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "local.sam_local"],
        cwd=ROOT,
        env={"PATH": "/nowhere"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == "error: sam local needs Docker, and none answers here; `make run` needs none\n"
