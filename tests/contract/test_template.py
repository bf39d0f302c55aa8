"""What no linter sees in the templates: that their numbers fit each other, and say what the code does."""

import json
import re
import tomllib
from typing import Any

import pytest
import yaml

from experimentation.web import edge, queue_worker
from experimentation.web.schemas.events import MAX_EVENTS
from local.paths import MONITORING, ROOT, TEMPLATE
from local.template import Function, Loader, read_template
from tests.contract.reachable import Reach, reach
from tests.contract.routes import routes

DOCUMENT: dict[str, Any] = yaml.load(TEMPLATE.read_text(), Loader=Loader)
RESOURCES: dict[str, Any] = DOCUMENT["Resources"]
NESTED: dict[str, Any] = yaml.load(MONITORING.read_text(), Loader=Loader)
GIVEN: dict[str, Any] = RESOURCES["Dashboard"]["Properties"]["Parameters"]
FUNCTIONS = read_template(TEMPLATE).functions
RULES = {route.module: route.rule for route in routes()}
SIX_TIMES = 6  # AWS's advice: a batch must not come back while it may still be retried by Lambda
DEAD_LETTER_SECONDS = 14 * 86_400
FOR_LIBRARIES = {"POWERTOOLS_SERVICE_NAME", "POWERTOOLS_METRICS_NAMESPACE", "LOG_LEVEL", "AWS_ENDPOINT_URL"}
TARGETS = {
    "data_table": "DataTable",
    "accounts_table": "AccountsTable",
    "events_topic_arn": "EventsTopic",
    "notification_bus_arn": "NotificationBus",
    "archive_bucket": "ArchiveBucket",
    "signing_secret_arn": "SigningSecret",
    "admin_secret_arn": "AdminSecret",
}

each_function = pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)


def of_type(kind: str) -> dict[str, dict[str, Any]]:
    """Return the properties of every resource of a type."""
    return {
        name: each.get("Properties", {}) for name, each in RESOURCES.items() if each["Type"] == f"AWS::{kind}"
    }


QUEUES = of_type("SQS::Queue")
SOURCES = {name: queue for name, queue in QUEUES.items() if "RedrivePolicy" in queue}
DEAD_LETTERS = {name: queue for name, queue in QUEUES.items() if "RedrivePolicy" not in queue}
ALARMS = {
    name: each["Properties"]
    for name, each in NESTED["Resources"].items()
    if each["Type"] == "AWS::CloudWatch::Alarm"
}
BOARD: dict[str, Any] = NESTED["Resources"]["Dashboard"]["Properties"]


def code_of(function: Function) -> Reach:
    module = function.handler.removesuffix(".handler")
    return reach(module, authenticates=RULES.get(module, "anyone") != "anyone")


def queue_event(source: str) -> tuple[Function, dict[str, Any]]:
    """Return the function that a queue feeds, and the event source mapping."""
    for mapping in of_type("Lambda::EventSourceMapping").values():
        if mapping["EventSourceArn"] == {"Fn::GetAtt": [source, "Arn"]}:
            return next(each for each in FUNCTIONS if {"Ref": each.name} == mapping["FunctionName"]), mapping
    raise AssertionError(f"nothing reads {source}")


def highest(value: Any) -> int:
    """Return the value, or the most that its parameter allows."""
    return int(DOCUMENT["Parameters"][value["Ref"]]["MaxValue"] if isinstance(value, dict) else value)


def test_there_is_something_to_check() -> None:
    assert len(SOURCES) == 2
    assert len(DEAD_LETTERS) == 4
    assert len(FUNCTIONS) >= 40
    assert len(ALARMS) >= 10


# Queues


@pytest.mark.parametrize("source", SOURCES)
def test_batch_is_hidden_until_its_function_has_surely_ended(source: str) -> None:
    function, event = queue_event(source)
    window = highest(event["MaximumBatchingWindowInSeconds"])

    assert SOURCES[source]["VisibilityTimeout"] >= SIX_TIMES * function.timeout_seconds + window


@pytest.mark.parametrize("source", SOURCES)
def test_message_is_tried_often_enough_and_the_worker_knows_the_last_try(source: str) -> None:
    most = SOURCES[source]["RedrivePolicy"]["maxReceiveCount"]

    hidden = SOURCES[source]["VisibilityTimeout"]

    assert most == queue_worker.LAST_DELIVERY
    assert (
        3_600 <= most * hidden < SOURCES[source]["MessageRetentionPeriod"]
    )  # an outage takes an hour or more


def test_full_batch_is_counted_within_half_of_the_workers_time() -> None:
    """What a batch leaves comes back with a higher receive count, although nobody failed."""
    function, event = queue_event("CountQueue")
    share_of_a_processor = function.memory_megabytes / 1_769  # which is what Lambda gives at 1,769 MB
    measured = json.loads((ROOT / "benchmarks" / "measured.json").read_text())
    waiting_ms = 40  # reads and the transaction, for 25 events
    seconds = (measured["worker_25.cpu_ms"] / share_of_a_processor + waiting_ms) / 1_000

    events = event["BatchSize"] * MAX_EVENTS

    assert events / 25 * seconds <= function.timeout_seconds * (1 - queue_worker.RESERVED_SHARE) / 1.5


def test_workers_leave_a_new_account_room_for_requests() -> None:
    """A new account runs ten functions at once in all."""
    concurrency = [queue_event(source)[1]["ScalingConfig"]["MaximumConcurrency"] for source in SOURCES]
    parameters = DOCUMENT["Parameters"]

    taken = sum(
        parameters[each["Ref"]]["Default"] if isinstance(each, dict) else each for each in concurrency
    )

    assert taken <= 6


@pytest.mark.parametrize("source", SOURCES)
def test_one_bad_message_does_not_bring_its_batch_back(source: str) -> None:
    _, event = queue_event(source)

    assert event["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


@pytest.mark.parametrize("source", SOURCES)
def test_queue_cannot_take_all_of_the_accounts_concurrency(source: str) -> None:
    _, event = queue_event(source)

    assert event["ScalingConfig"]["MaximumConcurrency"]


@pytest.mark.parametrize("name", DEAD_LETTERS)
def test_dead_letters_are_kept_longest(name: str) -> None:
    longest_source = max(queue["MessageRetentionPeriod"] for queue in SOURCES.values())

    assert DEAD_LETTERS[name]["MessageRetentionPeriod"] == DEAD_LETTER_SECONDS > longest_source


def test_every_queue_and_subscription_has_a_dead_letter_queue_of_its_own() -> None:
    to_queues = [each for each in of_type("SNS::Subscription").values() if each["Protocol"] == "sqs"]
    used = [each["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0] for each in SOURCES.values()]
    used += [each["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0] for each in to_queues]

    assert sorted(used) == sorted(DEAD_LETTERS)


# Alarms


def given(value: dict[str, str]) -> str:
    """Return what the nested template's parameter is given: the name of a resource."""
    passed = GIVEN[value["Ref"]]
    return str(passed.get("Ref") or passed["Fn::GetAtt"][0])


def test_monitoring_is_given_all_its_parameters_and_no_alarm_is_elsewhere() -> None:
    assert RESOURCES["Dashboard"]["Properties"]["TemplateURL"] == MONITORING.name
    assert set(GIVEN) == set(NESTED["Parameters"])
    assert of_type("CloudWatch::Alarm") == {}


def watched(kind: str) -> set[str]:
    """Return what the alarms' dimension of that name refers to."""
    found = set()
    for alarm in ALARMS.values():
        metrics = [each["MetricStat"]["Metric"] for each in alarm.get("Metrics", []) if "MetricStat" in each]
        for metric in [alarm, *metrics]:
            for dimension in metric.get("Dimensions", []):
                if dimension["Name"] == kind:
                    found.add(given(dimension["Value"]))
    return found


def test_every_queue_has_an_alarm() -> None:
    assert watched("QueueName") == set(QUEUES)


def test_every_worker_and_every_table_has_an_alarm() -> None:
    assert watched("FunctionName") == {each.name for each in FUNCTIONS if each.mappings or each.schedules}
    assert watched("TableName") == set(of_type("DynamoDB::Table"))


@pytest.mark.parametrize("name", ALARMS)
def test_every_alarm_tells_somebody_and_has_a_runbook_entry(name: str) -> None:
    runbook = (ROOT / "docs" / "operations.md").read_text()
    entry = re.search(rf"^### {name}\n(.+?)(?=^##)", runbook, flags=re.MULTILINE | re.DOTALL)

    assert [given(each) for each in ALARMS[name]["AlarmActions"]] == ["AlarmTopic"]
    assert entry, f"docs/operations.md has no entry for {name}"
    for part in ("Means:", "Look at:", "Do:", "Test:"):
        assert part in entry[1]


def test_runbook_has_no_entry_for_an_alarm_that_is_gone() -> None:
    runbook = (ROOT / "docs" / "operations.md").read_text()

    assert set(re.findall(r"^### (\w+Alarm)$", runbook, flags=re.MULTILINE)) == set(ALARMS)


METRICS = re.compile(r'\b(?:count|duration)\("(\w+)"|\bmeter="(\w+)"')


def test_alarms_and_dashboard_show_metrics_that_the_code_writes() -> None:
    written: set[str] = set()
    for folder in (ROOT / "functions", ROOT / "layers" / "common" / "experimentation"):
        for path in folder.rglob("*.py"):
            for name, meter in METRICS.findall(path.read_text()):
                written |= {name} if name else {meter, f"{meter}Rejected"}
    text = MONITORING.read_text()
    shown = set(re.findall(r'\["Experimentation", "(\w+)"', text))
    alarmed = set(re.findall(r"Namespace: Experimentation,? *\n? *MetricName: (\w+)", text))

    assert alarmed == {
        "AdminsAdded",
        "EventCalls",
        "EventCallsRejected",
        "RefreshTokensReused",
        "Unauthenticated",
    }
    assert shown | alarmed <= written
    assert shown >= {"UsersEnrolled", "EventsAccepted", "EventsCounted", "EventsDuplicate"}


def test_dashboard_is_json_whose_widgets_do_not_overlap_and_whose_names_are_given() -> None:
    text, computed = BOARD["DashboardBody"]["Fn::Sub"]
    names = set(re.findall(r"\$\{(\w+)\}", text)) - set(computed)

    widgets = json.loads(re.sub(r"\$\{[\w:]+\}", "name", text))["widgets"]

    places = [(widget["x"], widget["y"]) for widget in widgets]
    assert len(set(places)) == len(widgets)
    assert names <= set(NESTED["Parameters"])


def test_dashboard_finds_functions_by_a_part_of_their_names() -> None:
    """In quotes a term is the whole value, and no function is called just like the stack."""
    text, computed = BOARD["DashboardBody"]["Fn::Sub"]

    searches = re.findall(r"SEARCH\('(.+?)',", text)

    assert len(searches) == 2
    assert all(each.endswith(" FunctionName=${NameAsTerms}") for each in searches)
    assert computed == {
        "NameAsTerms": {"Fn::Join": [" FunctionName=", {"Fn::Split": ["-", {"Ref": "Name"}]}]}
    }


def test_dashboard_is_named_for_its_region_too() -> None:
    assert BOARD["DashboardName"] == {"Fn::Sub": "${Name}-${AWS::Region}"}
    assert DOCUMENT["Outputs"]["DashboardUrl"]["Value"]["Fn::Sub"].endswith(
        ":name=${AWS::StackName}-${AWS::Region}"
    )


def test_too_many_requests_are_told() -> None:
    alarm = ALARMS["RequestsAlarm"]

    assert (alarm["MetricName"], alarm["Statistic"]) == ("Count", "Sum")
    assert given(alarm["Threshold"]) == "AlarmRequestsPerHour"


# Functions


@each_function
def test_environment_has_what_the_code_reads(function: Function) -> None:
    own = RESOURCES[function.name]["Properties"].get("Environment", {}).get("Variables", {})

    assert set(own) <= code_of(function).environment <= set(function.environment)


def test_environment_of_every_function_names_what_many_read() -> None:
    common = set(DOCUMENT["Globals"]["Function"]["Environment"]["Variables"]) - FOR_LIBRARIES
    readers = {name: sum(name in code_of(each).environment for each in FUNCTIONS) for name in common}

    assert all(count > 10 for count in readers.values()), readers


@each_function
def test_every_action_that_the_code_uses_is_granted(function: Function) -> None:
    missing = [
        use
        for use in code_of(function).uses
        if not any(
            action == use.action and TARGETS.get(use.setting, "") in str(target)
            for action, target, _ in function.policies
        )
    ]

    assert missing == []


FOR_THE_MAPPING = {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"}


@each_function
def test_every_granted_action_is_used(function: Function) -> None:
    uses = code_of(function).uses
    fed_by = [mapping.queue for mapping in function.mappings]
    unused = [
        (action, target)
        for action, target, _ in function.policies
        if not any(use.action == action and TARGETS.get(use.setting, "") in str(target) for use in uses)
        and not (action in FOR_THE_MAPPING and target in fed_by)
    ]

    assert unused == []


@pytest.mark.parametrize("source", SOURCES)
def test_lambda_may_read_the_workers_own_queue_and_no_other(source: str) -> None:
    """For a function's event of type SQS, SAM would add a managed policy that names no resource."""
    function, event = queue_event(source)
    granted = {action for action, target, _ in function.policies if target == event["EventSourceArn"]}
    events = [
        event
        for each in of_type("Serverless::Function").values()
        for event in each.get("Events", {}).values()
    ]

    assert granted == FOR_THE_MAPPING
    assert "SQS" not in {each["Type"] for each in events}


def test_logs_of_every_function_end_some_day() -> None:
    group = DOCUMENT["Globals"]["Function"]["LoggingConfig"]["LogGroup"]["Ref"]

    assert not [name for name, each in of_type("Serverless::Function").items() if "LoggingConfig" in each]
    assert RESOURCES[group]["Properties"]["RetentionInDays"] == {"Ref": "LogRetentionDays"}


@each_function
def test_no_function_outlives_the_gateways_patience(function: Function) -> None:
    assert not function.routes or function.timeout_seconds < 30


def test_whoever_checks_passwords_has_a_whole_processor() -> None:
    """A check of bcrypt takes 0.2 s of it: with a third, ten a second would hold eight environments."""
    memory = {each.handler: each.memory_megabytes for each in FUNCTIONS}

    assert memory["auth.token.handler"] == memory["auth.password.handler"] == 1_769


def test_lambda_adds_no_line_of_its_own_to_each_request_and_drops_none_of_ours() -> None:
    logging = DOCUMENT["Globals"]["Function"]["LoggingConfig"]

    assert (logging["LogFormat"], logging["SystemLogLevel"]) == ("JSON", "WARN")
    assert logging["ApplicationLogLevel"] == {"Ref": "LogLevel"}


def test_no_log_level_drops_the_metrics() -> None:
    """A line without a level, as one of metrics is, is INFO to Lambda."""
    assert DOCUMENT["Parameters"]["LogLevel"]["AllowedValues"] == ["DEBUG", "INFO"]


def references(value: Any) -> set[str]:
    """Return what an expression refers to, at any depth."""
    if isinstance(value, list):
        return set().union(*(references(each) for each in value))
    if not isinstance(value, dict):
        return set()
    if "Ref" in value:
        return {value["Ref"]}
    if "Fn::If" in value:
        condition, *rest = value["Fn::If"]
        return references(DOCUMENT["Conditions"][condition]) | references(rest)
    return set().union(*(references(each) for each in value.values()))


NOT_OF_A_VERSION = {"ReservedConcurrentExecutions", "Tags", "Events", "Policies", "VersionDescription"}


def test_published_versions_follow_the_layer_and_every_parameter() -> None:
    """SAM makes a new version for new code alone, CloudFormation for another description too."""
    published = {
        name: each for name, each in of_type("Serverless::Function").items() if "AutoPublishAlias" in each
    }

    assert published
    for properties in published.values():
        said = set(re.findall(r"\$\{(\w+)\}", properties["VersionDescription"]["Fn::Sub"]))
        merged = {**DOCUMENT["Globals"]["Function"], **properties}
        variables = [each.get("Environment") for each in (DOCUMENT["Globals"]["Function"], properties)]
        values = [value for name, value in merged.items() if name not in NOT_OF_A_VERSION]
        parameters = references([values, variables]) & set(DOCUMENT["Parameters"])
        assert "SnapStart" in parameters
        assert said == parameters | {"CommonLayer"}


def test_layers_are_told_apart_from_those_of_other_stacks() -> None:
    for layer in of_type("Serverless::LayerVersion").values():
        assert layer["LayerName"]["Fn::Sub"].startswith("${AWS::StackName}-")


def test_sam_builds_layers_anew_whatever_is_in_their_folders() -> None:
    """SAM's cache of a layer looks at its folder alone: with arm64 in the template it kept x86_64 wheels."""
    config = tomllib.loads((ROOT / "samconfig.toml").read_text())
    builds = [config[name]["build"]["parameters"] for name in ("default", "prod")]

    assert not any(each.get("cached", False) for each in builds)


# Data


@pytest.mark.parametrize("name", of_type("DynamoDB::Table"))
def test_table_outlives_mistakes(name: str) -> None:
    properties = RESOURCES[name]["Properties"]

    assert RESOURCES[name]["DeletionPolicy"] == RESOURCES[name]["UpdateReplacePolicy"] == "Retain"
    assert properties["DeletionProtectionEnabled"] is True
    assert properties["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert "SSESpecification" not in properties  # AWS's own keys, which every table has, cost nothing
    assert properties["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}


@pytest.mark.parametrize(("name", "length"), [("SigningSecret", 64), ("AdminSecret", 32), ("EdgeSecret", 32)])
def test_generated_secrets_are_never_generated_again(name: str, length: int) -> None:
    """CloudFormation does so whenever this property changes, so these lines are not to be touched.

    The brace is excluded because what begins with one is read as JSON.
    """
    assert RESOURCES[name]["Properties"]["GenerateSecretString"] == {
        "PasswordLength": length,
        "ExcludePunctuation": True,
        "ExcludeCharacters": "{",
    }


def test_bucket_is_kept_and_closed_and_encrypted() -> None:
    bucket = RESOURCES["ArchiveBucket"]

    for each in (bucket, RESOURCES["ArchiveBucketPolicy"]):
        assert (each["DeletionPolicy"], each["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")
    assert set(bucket["Properties"]["PublicAccessBlockConfiguration"].values()) == {True}
    assert "BucketEncryption" in bucket["Properties"]
    assert of_type("S3::Bucket").keys() == {"ArchiveBucket"}


def test_versions_that_nobody_reads_are_not_paid_for_ever() -> None:
    rules = RESOURCES["ArchiveBucket"]["Properties"]["LifecycleConfiguration"]["Rules"]

    assert [
        (each.get("Prefix", ""), each["NoncurrentVersionExpiration"])
        for each in rules
        if "NoncurrentVersionExpiration" in each
    ] == [("exports/", {"NoncurrentDays": 1}), ("", {"NoncurrentDays": 35})]


def test_queues_and_the_events_topic_are_encrypted() -> None:
    assert all(queue["SqsManagedSseEnabled"] is True for queue in QUEUES.values())
    assert RESOURCES["EventsTopic"]["Properties"]["KmsMasterKeyId"]


def test_everything_with_a_policy_is_reached_over_tls_alone() -> None:
    protected: set[str] = set()
    for kind, key in (
        ("SQS::QueuePolicy", "Queues"),
        ("SNS::TopicPolicy", "Topics"),
        ("S3::BucketPolicy", "Bucket"),
    ):
        for policy in of_type(kind).values():
            denials = [
                each
                for each in policy["PolicyDocument"]["Statement"]
                if each["Effect"] == "Deny" and each["Condition"] == {"Bool": {"aws:SecureTransport": False}}
            ]
            assert [each["Principal"] for each in denials] == ["*"]
            targets = policy[key] if isinstance(policy[key], list) else [policy[key]]
            protected |= {target["Ref"] for target in targets}

    assert protected == {*QUEUES, *of_type("SNS::Topic"), *of_type("S3::Bucket")}


# The gateway


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
