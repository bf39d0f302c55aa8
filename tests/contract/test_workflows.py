"""GitHub's workflows: what runs is named by commit, and only the step that deploys can prove who it is."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from local.paths import ROOT

FILES = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
WORKFLOWS: dict[str, dict[str, Any]] = {path.name: yaml.safe_load(path.read_text()) for path in FILES}
USES = re.compile(r"uses: (?P<action>[\w./-]+)@(?P<version>\S+)(?P<comment>.*)")

INSTALLS = re.compile(
    r"(^|[;&|])\s*(sudo\s+)?(\S*/)?(make|pip3?|npm|npx|uvx?|apt-get)\s|-m pip", re.MULTILINE
)


def steps() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield each step with its workflow and job."""
    for name, workflow in WORKFLOWS.items():
        for job, each in workflow["jobs"].items():
            for step in each.get("steps", []):
                yield name, job, step


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_actions_are_pinned_by_commit_with_their_version_beside_it(path: Any) -> None:
    used = list(USES.finditer(path.read_text()))

    assert used
    for each in used:
        assert re.fullmatch(r"[0-9a-f]{40}", each["version"]), each[0]
        assert re.fullmatch(r" # v\d+\.\d+\.\d+", each["comment"]), each[0]


def test_nothing_is_built_tested_or_installed_where_a_role_can_be_assumed() -> None:
    for name, workflow in WORKFLOWS.items():
        assert workflow["permissions"] == {"contents": "read"}, name
        for job, each in workflow["jobs"].items():
            can = each.get("permissions", {}).get("id-token") == "write"
            commands = "\n".join(step.get("run", "") for step in each.get("steps", []))
            assert can == (job == "deploy"), (name, job)
            assert not can or not INSTALLS.search(commands)


def test_both_tiers_of_tests_run_on_every_push() -> None:
    jobs = WORKFLOWS["check.yml"]["jobs"].values()
    run = {step.get("run") for job in jobs for step in job["steps"]}

    assert {"make test", "make test-all", "make check-template", "make build"} <= run


def test_packages_are_installed_from_fresh_lists() -> None:
    installing = [step["run"] for _, _, step in steps() if "apt-get install" in step.get("run", "")]

    assert installing
    assert all(re.search(r"apt-get update.*\n?.*apt-get install", each) for each in installing)


def test_first_deployment_is_not_red_for_want_of_an_account_for_the_smoke_test() -> None:
    smoke = next(step for _, _, step in steps() if "tools.smoke" in step.get("run", ""))

    assert 'if [ -z "$PASSWORD" ]' in smoke["run"].partition("tools.smoke")[0]
