"""Template routes, function files, their first lines, sample events and docs/routes.md are the same."""

import json
import re
from pathlib import Path

import pytest

from local.paths import FUNCTIONS, ROOT, TEMPLATE
from local.template import Function, read_template

FUNCTIONS_BY_NAME = {function.name: function for function in read_template(TEMPLATE).functions}
SERVES_PAGES = "pages.handler"  # the one function with several routes
ENDPOINTS = [each for each in FUNCTIONS_BY_NAME.values() if each.routes and each.handler != SERVES_PAGES]
FIRST_LINE = re.compile(r'"""(?P<trigger>.+?) - (?P<what>.+?)\.(?:""")?')


def source(function: Function) -> Path:
    return FUNCTIONS / (function.handler.removesuffix(".handler").replace(".", "/") + ".py")


def first_line(function: Function) -> re.Match[str]:
    found = FIRST_LINE.fullmatch(source(function).read_text().splitlines()[0])
    assert found, f"line 1 of {source(function).name} is not a docstring of the form: route - what it does."
    return found


def test_every_function_file_is_one_function_of_the_template():
    files = {path for path in FUNCTIONS.rglob("*.py") if path.name != "__init__.py"}

    assert files == {source(function) for function in FUNCTIONS_BY_NAME.values()}


@pytest.mark.parametrize("name", [function.name for function in ENDPOINTS])
def test_line_1_begins_with_the_route(name):
    function = FUNCTIONS_BY_NAME[name]

    assert [first_line(function)["trigger"]] == [route.key for route in function.operations]


@pytest.mark.parametrize("name", list(FUNCTIONS_BY_NAME))
def test_every_function_has_a_sample_event(name):
    function = FUNCTIONS_BY_NAME[name]

    sample = (ROOT / "events" / source(function).relative_to(FUNCTIONS)).with_suffix(".json")

    event = json.loads(sample.read_text())
    if function.routes and function.handler != SERVES_PAGES:
        assert event["version"] == "2.0"
        assert event["routeKey"] == function.routes[0].key


def test_the_page_of_routes_lists_each_with_who_may_call_it():
    table = (ROOT / "docs" / "routes.md").read_text()
    rows = re.findall(r"^\| (`.+?) \| (.+?) \|", table, flags=re.MULTILINE)
    listed = [(key, rule) for keys, rule in rows for key in re.findall(r"`(.+?)`", keys)]

    expected = {
        (route.key, rule_of(function))
        for function in FUNCTIONS_BY_NAME.values()
        for route in function.operations
    }

    assert sorted(listed) == sorted(expected)


def rule_of(function: Function) -> str:
    found = re.search(r'@endpoint\((?:.|\n)*?scope="([^"]+)"', source(function).read_text())
    return found[1] if found else "anyone"


def test_every_document_is_linked_from_the_readme() -> None:
    readme = (ROOT / "README.md").read_text()

    unlinked = [path.name for path in (ROOT / "docs").glob("*.md") if f"docs/{path.name}" not in readme]

    assert unlinked == []
    assert len(readme.splitlines()) <= 120


def test_no_link_between_documents_is_dead() -> None:
    dead = [
        f"{page.name}: {target}"
        for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text())
        if not (page.parent / target).exists()
    ]

    assert dead == []
