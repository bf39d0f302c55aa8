"""The gateway, its domain and the edge: rates, access log, origins and addresses."""

import json
import re

import pytest

from experimentation.web import edge
from tests.contract.routes import routes
from tests.contract.template.resources import (
    DOCUMENT,
    FUNCTIONS,
    RESOURCES,
    of_type,
)


def test_rates_are_limited_on_routes_that_exist() -> None:
    limits = RESOURCES["HttpApi"]["Properties"]["RouteSettings"]

    assert limits["POST /auth/token"]["ThrottlingRateLimit"] <= 10
    assert limits["$default"]["ThrottlingRateLimit"] <= 20  # what nobody asked for costs an invocation too
    assert limits["GET /events/recent"]["ThrottlingRateLimit"] <= 10  # each call may read dozens of objects
    assert set(limits) <= {route.key for route in routes()}


ACCESS_LOG = RESOURCES["HttpApi"]["Properties"]["AccessLogSettings"]["Format"]


def test_access_logs_hold_no_query_string_and_no_path() -> None:
    shown = set(re.findall(r"\$context\.[\w.]+", ACCESS_LOG))

    assert shown == {
        "$context.requestId",
        "$context.requestTimeEpoch",
        "$context.routeKey",
        "$context.status",
        "$context.responseLatency",
        "$context.identity.sourceIp",
        "$context.identity.userAgent",
        "$context.integration.status",
        "$context.integrationErrorMessage",
        "$context.error.responseType",
        "$context.error.messageString",
    }


def test_access_log_is_one_line_of_json_whatever_the_error_says() -> None:
    """Of all variables messageString alone comes with its own quotes."""
    line = ACCESS_LOG.replace("$context.error.messageString", json.dumps('a "quoted" word'))

    assert "\n" not in line.strip()
    assert json.loads(re.sub(r"\$context\.[\w.]+", "value", line))["error"] == 'a "quoted" word'


def test_access_log_takes_no_room_in_the_accounts_policy_of_delivered_logs() -> None:
    assert RESOURCES["AccessLogs"]["Properties"]["LogGroupName"]["Fn::Sub"].startswith("/aws/vendedlogs/")


@pytest.mark.parametrize(
    ("origins", "taken"),
    [
        ("", True),
        ("https://a.example", True),
        ("https://a.example,http://localhost:3000", True),
        ("*", False),  # the gateway refuses it together with credentials
        ("https://*.example", False),
        ("https://a.example, https://b.example", False),  # would never match
        ("a.example", False),
    ],
)
def test_origins_are_such_as_the_gateway_takes(origins: str, *, taken: bool) -> None:
    pattern = DOCUMENT["Parameters"]["AllowedOrigins"]["AllowedPattern"]

    assert (re.fullmatch(pattern, origins) is not None) == taken


def test_record_of_the_domain_is_one_resource_whatever_it_points_to() -> None:
    """A second one of the same name and type is refused while the first is still there."""
    records = of_type("Route53::RecordSet")

    assert sorted(each["Type"] for each in records.values()) == ["A", "AAAA"]
    assert records["DomainRecord"]["AliasTarget"]["Fn::If"][0] == "HasEdge"


def test_domain_kept_elsewhere_is_told_its_target() -> None:
    output = DOCUMENT["Outputs"]["DomainTarget"]

    assert output["Condition"] == "HasDomain"
    assert output["Value"]["Fn::If"] == [
        "HasEdge",
        {"Fn::GetAtt": ["EdgeDistribution", "DomainName"]},
        {"Fn::GetAtt": ["ApiDomain", "RegionalDomainName"]},
    ]


def test_what_costs_or_opens_something_is_off_until_asked_for() -> None:
    defaults = {name: each["Default"] for name, each in DOCUMENT["Parameters"].items()}

    assert defaults["AllowedOrigins"] == defaults["DomainName"] == defaults["AlarmEmail"] == ""
    assert (defaults["EdgeCache"], defaults["SnapStart"]) == ("off", "None")
    assert defaults["AssignReservedConcurrency"] == 0
    assert defaults["Tracing"] == "Disabled"


def test_nobody_goes_past_a_domain_or_the_edge() -> None:
    """A domain of its own closes the API's first address; the edge, which needs it, shows who it is."""
    api = RESOURCES["HttpApi"]["Properties"]
    origin = RESOURCES["EdgeDistribution"]["Properties"]["DistributionConfig"]["Origins"][0]
    variables = DOCUMENT["Globals"]["Function"]["Environment"]["Variables"]
    secret = {"Fn::Sub": "{{resolve:secretsmanager:${EdgeSecret}}}"}

    assert api["DisableExecuteApiEndpoint"] == {"Fn::If": ["HasApiDomain", True, False]}
    assert origin["OriginCustomHeaders"] == [{"HeaderName": "X-Edge-Secret", "HeaderValue": secret}]
    assert variables["EDGE_SECRET"] == {"Fn::If": ["HasEdgeAlone", secret, ""]}
    assert "X-Edge-Secret".lower() == edge.HEADER
    assert RESOURCES["EdgeSecret"]["Condition"] == "HasEdge"


def test_address_that_is_shown_is_the_one_that_answers() -> None:
    for name, end in (("ApiUrl", ""), ("ConsoleUrl", "/"), ("DocumentationUrl", "/docs")):
        condition, domain, rest = DOCUMENT["Outputs"][name]["Value"]["Fn::If"]
        assert (condition, domain) == ("HasDomain", {"Fn::Sub": f"https://${{DomainName}}{end}"})
        assert rest["Fn::If"][:2] == [
            "HasEdge",
            {"Fn::Sub": f"https://${{EdgeDistribution.DomainName}}{end}"},
        ]


def test_monitors_and_preflights_have_routes_of_their_own() -> None:
    """Else they go to the default route, which answers 404 and takes 20 requests a second."""
    found = {
        (function.handler, route.key)
        for function in FUNCTIONS
        for route in function.routes
        if route not in function.operations
    }

    assert found == {
        ("health.handler", "HEAD /health"),
        ("pages.handler", "HEAD /"),
        ("pages.handler", "HEAD /docs"),
        ("pages.handler", "HEAD /openapi.json"),
        ("pages.handler", "HEAD /redoc"),
        ("not_found.handler", "OPTIONS /{proxy+}"),
    }


def test_edge_keeps_callers_apart() -> None:
    key = RESOURCES["EdgeCachePolicy"]["Properties"]["CachePolicyConfig"][
        "ParametersInCacheKeyAndForwardedToOrigin"
    ]

    assert {"Authorization", "X-API-Key"} <= set(key["HeadersConfig"]["Headers"])
    assert key["CookiesConfig"] == {"CookieBehavior": "all"}
    assert key["QueryStringsConfig"] == {"QueryStringBehavior": "all"}
