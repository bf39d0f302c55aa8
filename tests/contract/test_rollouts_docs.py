"""docs/rollouts.md says what the product does: its requests are taken, its rule hears what the bus tells."""

import json
import re

import pytest
from samtranslator.yaml_helper import yaml_parse

from experimentation.domain.experiment import Conclusion
from experimentation.domain.facts import FactKind
from experimentation.storage.bus import SOURCE
from experimentation.web.schemas.experiments import ExperimentPatch, StatusChange
from local.paths import ROOT, TEMPLATE

PAGE = (ROOT / "docs" / "rollouts.md").read_text()
REQUESTS = re.findall(r"^```json\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("request_body", [*REQUESTS, *re.findall(r"`PATCH (\{.*?\})`", PAGE)])
def test_every_request_of_the_page_is_taken(request_body: str) -> None:
    taken = ExperimentPatch.model_validate_json(request_body)

    assert taken.edit().keys() == json.loads(request_body).keys()


def test_the_page_ships_as_the_endpoint_takes_it() -> None:
    (sent,) = re.findall(r"-d '(.*?)'", PAGE)

    assert StatusChange.model_validate_json(sent).ending()["ship"] == "treatment"
    assert all(f"`{each.value}`" in PAGE for each in Conclusion)


def test_every_kind_of_notification_is_named() -> None:
    assert [each for each in FactKind if f"`{each.value}`" not in PAGE] == []


def test_the_pages_rule_and_the_templates_hear_what_is_told() -> None:
    (snippet,) = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    heard = yaml_parse(snippet)["Resources"]["Tell"]["Properties"]["EventPattern"]
    mailed = yaml_parse(TEMPLATE.read_text())["Resources"]["NotifyEmailRule"]["Properties"]["EventPattern"]

    assert heard["source"] == mailed["source"] == [SOURCE]
    assert set(heard["detail-type"]) <= {f"experiment {each.value}" for each in FactKind}
