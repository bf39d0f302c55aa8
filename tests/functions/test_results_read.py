"""GET /experiments/{experiment_id}/results: formats, windows, tags, and inputs that have no answer."""

import json
import subprocess
import sys
from typing import Any

import pytest
from scipy import stats

from experimentation.domain.clock import DAY_MS, day_number, rfc3339
from experimentation.domain.counting.exposure import Exposure
from experimentation.domain.drawing import variant_of
from experimentation.storage import event_types, experiments, rollups
from experimentation.storage.aws import client
from experimentation.storage.aws.transactions import commit
from experimentation.usecases.assigning import assign
from experimentation.usecases.exposing import enrol_exposed
from experimentation.usecases.runtime import Runtime
from functions.results import read
from tests.conftest import Headers, now
from tests.experiments import definition
from tests.factory import event
from tests.functions.experiment_calls import call, created
from tests.trials.replay import replay
from tools.demo.trial import UNIT, Assigned, Happened, Trial

METRICS = [
    {"key": "bought", "event_type": "purchase", "kind": "conversion", "role": "primary"},
    {"key": "orders", "event_type": "purchase", "kind": "count"},
    {"key": "revenue", "event_type": "purchase", "kind": "value"},
    {
        "key": "errors",
        "event_type": "error",
        "kind": "count",
        "role": "guardrail",
        "direction": "decrease",
    },
]
BILLION = 10**9 * UNIT


def ask(headers, experiment_id="checkout-button", **query) -> dict[str, Any]:
    sent = {name.replace("_", "-"): value for name, value in query.pop("sent", {}).items()}
    return read.handler(
        event(
            "GET",
            f"/experiments/{experiment_id}/results",
            query=query,
            headers={**headers, **sent},
            path_parameters={"experiment_id": experiment_id},
        )
    )


def shown(answer) -> Any:
    """Return the document; it may hold no NaN, no Infinity and no negative variance."""
    assert answer["statusCode"] == 200, answer
    document = json.loads(answer["body"], parse_constant=lambda name: pytest.fail(f"{name} in the answer"))
    for metric in document.get("metrics", []):
        for figures in metric["variants"].values():
            assert figures["variance"] is None or figures["variance"] >= 0
    return document


def trial(users: dict[str, list[list[int]]], **changes: Any) -> Trial:
    """Return a trial with one list of values per user and variant, bought a second after the assignment."""
    at = now() - 2 * DAY_MS
    assignments, events = [], []
    for variant, people in users.items():
        for n, values in enumerate(people):
            user_id = f"{variant}-{n}"
            assignments.append(Assigned(user_id, variant, at, {"country": "DE"}))
            events += [
                Happened(f"{user_id}-{m}", user_id, "purchase", at + 1000, value)
                for m, value in enumerate(values)
            ]
    body = definition(metrics=METRICS, **changes)
    return Trial("", body, [], assignments, events)


DEGENERATE = {
    "no users": {"control": [], "treatment": []},
    "one user": {"control": [[UNIT]], "treatment": []},
    "one user each": {"control": [[UNIT]], "treatment": [[3 * UNIT]]},
    "no conversions": {"control": [[]] * 200, "treatment": [[]] * 200},
    "all convert": {"control": [[UNIT]] * 200, "treatment": [[UNIT]] * 200},
    "one variant empty": {"control": [[UNIT], []] * 100, "treatment": []},
    "control empty": {"control": [], "treatment": [[UNIT], []] * 100},
    "nobody bought in control": {"control": [[]] * 200, "treatment": [[UNIT], []] * 100},
    "billions": {
        "control": [[BILLION - n] for n in range(200)],
        "treatment": [[BILLION - 2 * n] for n in range(200)],
    },
    "equal billions": {"control": [[BILLION]] * 200, "treatment": [[BILLION]] * 200},
    "billions both ways": {
        "control": [[BILLION, -BILLION]] * 200,
        "treatment": [[-BILLION], [BILLION]] * 100,
    },
    "negative": {"control": [[-UNIT], [-3 * UNIT]] * 100, "treatment": [[-2 * UNIT], [1]] * 100},
}


@pytest.mark.parametrize("name", DEGENERATE)
@pytest.mark.parametrize("analysis", ["sequential", "fixed"])
def test_degenerate_inputs_give_numbers_nulls_and_words(as_user, name, analysis):
    replay(trial(DEGENERATE[name], analysis=analysis, min_days=0), as_user, now())

    for form in ("full", "summary", "metrics_only"):
        document = shown(
            ask(as_user, format=form, include_time_series="true", segment="country", correction="bh")
        )

        assert len(document["segments"]) == (0 if name == "no users" else 1)
        if form != "metrics_only":
            assert document["summary"]
            assert document["recommendation"]["reasons"]


@pytest.mark.parametrize("query", [{}, {"confidence_level": 0.5}, {"confidence_level": 0.999}])
def test_zero_variance_is_null_and_not_certainty(as_user, query):
    replay(trial(DEGENERATE["all convert"]), as_user, now())

    document = shown(ask(as_user, **query))

    comparison = document["metrics"][2]["comparisons"]["treatment"]
    assert (comparison["status"], comparison["reason"]) == ("insufficient_data", "zero_variance")
    assert comparison["difference"] == 0
    assert comparison["interval"] is None
    assert comparison["p_value"] is None
    assert comparison["always_valid"] is None
    assert comparison["cuped"]["reason"]


@pytest.mark.parametrize("analysis", ["sequential", "fixed"])
@pytest.mark.parametrize("missing", [1, 150, 200])
def test_more_converters_than_users_give_no_interval(as_user, analysis, missing):
    experiment = replay(trial(DEGENERATE["all convert"], analysis=analysis, min_days=0), as_user, now())
    lost = [
        rollups.add(rollups.enrolment_partition(experiment, 0), cell.key, {"n": -missing}, now())
        for cell in rollups.read(rollups.enrolment_partition(experiment, rollups.SEALED), "*#")
        if cell.key.endswith("#treatment")
    ]
    commit(lost)

    for form in ("full", "summary", "metrics_only"):
        document = shown(ask(as_user, format=form, include_time_series="true", segment="country"))
    bought = document["metrics"][0]

    assert bought["variants"]["treatment"]["converters"] == 200
    assert bought["variants"]["treatment"]["rate_interval"] is None
    assert bought["comparisons"]["treatment"]["interval"] is None


def test_enrolments_are_read_after_the_counters_and_consistently(as_user):
    replay(trial(DEGENERATE["one user"]), as_user, now())
    queries: list[tuple[str, bool]] = []

    def note(params, **_):
        body = json.loads(params["body"])
        (partition, *_) = body["ExpressionAttributeValues"].values()
        queries.append((partition["S"].partition("#")[0], body.get("ConsistentRead", False)))

    events = client.dynamodb().meta.events
    events.register("before-call.dynamodb.Query", note)
    try:
        shown(ask(as_user))
    finally:
        events.unregister("before-call.dynamodb.Query", note)

    counted = [n for n, (partition, _) in enumerate(queries) if partition == "ROLLUP"]
    enrolled = [n for n, (partition, _) in enumerate(queries) if partition == "ENROL"]
    assert max(counted) < min(enrolled)
    assert all(queries[n][1] for n in enrolled)


def test_variances_near_a_billion_are_exact(as_user):
    replay(trial(DEGENERATE["billions"]), as_user, now())

    revenue = shown(ask(as_user))["metrics"][2]["variants"]

    # values a - n / 10,000 for n = 0..199 and twice that: (200^2 - 1) / 12 * 200 / 199 in units of 1e-8
    assert revenue["control"]["variance"] == pytest.approx(3350e-8, rel=1e-12)
    assert revenue["treatment"]["variance"] == pytest.approx(4 * 3350e-8, rel=1e-12)


def test_a_draft_has_no_figures_but_its_plan(as_user):
    created(as_user, metrics=METRICS)

    document = shown(ask(as_user, include_time_series="true", segment="country"))

    assert document["enrolled"] == {"control": 0, "treatment": 0}
    assert document["as_of"] is None
    assert document["window"] == {"start": None, "end": None}
    assert document["time_series"] == []
    assert document["plan"]["planned_users"] == 20_000
    ten_percent = document["plan"]["by_baseline"][3]
    assert ten_percent["baseline"] == {"rate": 0.1}
    assert ten_percent["metric"] == "bought"
    assert 0.1 < ten_percent["detectable_effect"] < 0.3
    assert ten_percent["required_users"] > 400_000


def test_days_left_are_not_told_from_one_hour_of_users(as_user):
    half = trial({"control": [[UNIT], []] * 200, "treatment": [[UNIT], []] * 200})
    replay(half, as_user, now())

    document = shown(ask(as_user))

    assert "plan" not in document
    assert document["recommendation"]["action"] == "keep_running"
    assert document["recommendation"]["days_left"] is None


@pytest.mark.parametrize("metric", [METRICS[0], METRICS[2] | {"role": "primary"}])
def test_the_summary_of_one_user_does_not_pass_for_a_measurement(as_user, metric):
    body = trial({"control": [[UNIT]], "treatment": [[UNIT], [], [3 * UNIT]]})
    replay(body._replace(definition=body.definition | {"metrics": [metric]}), as_user, now())

    variants = shown(ask(as_user, format="summary"))["variants"]

    if metric["kind"] == "conversion":
        assert variants["control"]["rate"] == 1
        least = 1 / (1 + stats.norm.isf(0.025) ** 2)  # Wilson, by hand
        assert variants["control"]["rate_interval"] == pytest.approx([least, 1])
    else:
        assert (variants["control"]["mean"], variants["control"]["mean_interval"]) == (1, None)
        low, high = stats.t.interval(0.95, 2, loc=4 / 3, scale=stats.sem([1, 0, 3]))
        assert variants["treatment"]["mean_interval"] == pytest.approx([low, high])


def test_the_summary_quotes_the_interval_of_its_own_sentence(as_user):
    people = {"control": [[UNIT]] * 130 + [[]] * 870, "treatment": [[UNIT]] * 164 + [[]] * 836}
    replay(trial(people, min_days=0), as_user, now())

    summary, full = shown(ask(as_user, format="summary")), shown(ask(as_user))

    quoted, comparison = summary["variants"]["treatment"], full["metrics"][0]["comparisons"]["treatment"]
    assert quoted["interval_kind"] == "sequence"
    assert quoted["lift_interval"] == comparison["deciding"]["lift_interval"]
    # the unprotected interval alone excludes 0
    assert comparison["lift_interval"][0] > 0 > quoted["lift_interval"][0]
    assert "shows no certain effect" in summary["summary"]
    ends = [f"{abs(round(100 * end))}%" for end in quoted["lift_interval"]]
    assert all(end in summary["summary"] for end in ends), summary["summary"]


def test_a_primary_found_while_looking_neither_decides_nor_moves_the_error_rate(as_user):
    people = {"control": [[UNIT]] * 200 + [[]] * 1800, "treatment": [[UNIT]] * 210 + [[]] * 1790}
    made = trial(people, min_days=0)
    shines = [
        Happened(f"tap-{user}", user, "tap", made.assignments[0].at + 2000, UNIT)
        for user in [f"treatment-{n}" for n in range(600)] + [f"control-{n}" for n in range(200)]
    ]
    replay(made._replace(events=[*made.events, *shines]), as_user, now())
    before = shown(ask(as_user))
    added = {"key": "found", "event_type": "tap", "kind": "conversion", "role": "primary"}

    assert call("update", as_user, {"metrics": [*METRICS, added]})["statusCode"] == 200

    after = shown(ask(as_user))
    found = after["metrics"][-1]
    assert (found["key"], found["late"]) == ("found", True)
    assert found["comparisons"]["treatment"]["p_value"] < 1e-9
    assert found["comparisons"]["treatment"]["confidence"] != "significant"
    assert after["recommendation"]["action"] == before["recommendation"]["action"] == "keep_running"
    assert [each["comparisons"]["treatment"]["deciding"] for each in after["metrics"][:4]] == [
        each["comparisons"]["treatment"]["deciding"] for each in before["metrics"]
    ]


def test_the_summary_is_headed_by_what_was_declared_before_the_start(as_user):
    replay(trial({"control": [[UNIT], []] * 200, "treatment": [[UNIT], []] * 200}), as_user, now())
    added = {"key": "found", "event_type": "tap", "kind": "conversion", "role": "primary"}
    assert call("update", as_user, {"metrics": [added, *METRICS]})["statusCode"] == 200

    variants = shown(ask(as_user, format="summary"))["variants"]

    assert {each["metric"] for each in variants.values()} == {"bought"}


@pytest.mark.parametrize("weights", [(100, 0), (0, 100)])
def test_a_draft_that_compares_nobody_has_a_plan_without_numbers(as_user, weights):
    named = zip(("control", "treatment"), weights, strict=True)
    variants = [{"key": key, "weight": weight} for key, weight in named]
    created(as_user, metrics=METRICS, variants=variants)

    rows = shown(ask(as_user))["plan"]["by_baseline"]

    assert rows
    assert {(row["required_users"], row["detectable_effect"]) for row in rows} == {(None, None)}


def test_labels_that_cannot_be_measured_leave_no_adjusted_difference(as_user):
    made = trial({"control": [[UNIT], []] * 100, "treatment": [[UNIT], []] * 100})
    elsewhere = {"control-0", "control-1", "control-2"}
    moved = [
        each._replace(context={"country": "US"}) if each.user_id in elsewhere else each
        for each in made.assignments
    ]
    replay(made._replace(assignments=moved), as_user, now())

    document = shown(ask(as_user, segment="country"))

    bought = document["breakdown"][0]
    lone = document["segments"][0]["metrics"][0]["comparisons"]["treatment"]["p_value"]
    assert bought["adjusted_p_values"] == {"country=DE": lone, "country=US": None}
    assert (bought["post_stratified"], bought["heterogeneity"]) == (None, None)


def test_overrides_never_count(as_user):
    created(as_user, "running", metrics=METRICS)
    experiment = experiments.read("checkout-button", consistent=True)
    assign(experiment, "qa-1", {}, Runtime())
    assign(experiment, "someone", {}, Runtime())

    document = shown(ask(as_user))

    assert sum(document["enrolled"].values()) == 1


def test_a_type_asked_for_after_the_fact_is_exploratory(as_user):
    replay(trial({"control": [[UNIT]] * 3, "treatment": [[]] * 3}), as_user, now())

    document = shown(ask(as_user, event_types="purchase,view"))

    keys = [metric["key"] for metric in document["metrics"]]
    assert keys == ["bought", "orders", "revenue", "view", "view:count", "view:value"]
    assert document["exploratory"] is True
    assert document["recommendation"] is None
    assert all(metric["role"] is None for metric in document["metrics"][3:])
    assert all(metric["comparisons"]["treatment"]["always_valid"] is None for metric in document["metrics"])


def test_a_window_is_exploratory_and_names_its_days(as_user):
    replay(trial({"control": [[UNIT]] * 3, "treatment": [[]] * 3}), as_user, now())
    today = rfc3339(now())[:10]
    before = rfc3339((day_number(now()) - 2) * DAY_MS)[:10]

    whole = shown(ask(as_user, start_date=before, end_date=today))
    tail = shown(ask(as_user, start_date=today))

    assert whole["window"] == {"start": f"{before}T00:00:00.000Z", "end": f"{today}T23:59:59.999Z"}
    assert whole["exploratory"] is True
    assert whole["metrics"][0]["variants"]["control"]["converters"] == 3
    assert tail["metrics"][0]["variants"]["control"]["converters"] == 0
    assert tail["enrolled"] == {"control": 3, "treatment": 3}, "users assigned by the end of the window"


def test_a_window_that_is_open_at_one_end_is_never_upside_down(as_user):
    replay(trial({"control": [[UNIT]] * 3, "treatment": [[]] * 3}), as_user, now())

    early = shown(ask(as_user, end_date="2020-01-01"))
    late = shown(ask(as_user, start_date="2999-01-01"))

    assert early["window"] == {"start": "2020-01-01T00:00:00.000Z", "end": "2020-01-01T23:59:59.999Z"}
    assert early["enrolled"] == {"control": 0, "treatment": 0}
    assert late["window"] == {"start": "2999-01-01T00:00:00.000Z", "end": "2999-01-01T23:59:59.999Z"}
    assert late["enrolled"] == {"control": 3, "treatment": 3}
    assert late["metrics"][0]["variants"]["control"]["converters"] == 0


def test_the_same_data_answer_304_and_new_data_do_not(as_user):
    replay(trial({"control": [[UNIT]] * 3, "treatment": [[]] * 3}), as_user, now())
    first = ask(as_user)
    tag = first["headers"]["ETag"]

    again = ask(as_user, sent={"If_None_Match": tag})
    weak = ask(as_user, sent={"If_None_Match": f"W/{tag}"})
    other = ask(as_user, format="summary", sent={"If_None_Match": tag})
    call("update", as_user, {"name": "Another name"})
    renamed = ask(as_user, sent={"If_None_Match": tag})

    assert [again["statusCode"], weak["statusCode"]] == [304, 304]
    assert "body" not in again
    assert again["headers"]["ETag"] == tag
    assert [other["statusCode"], renamed["statusCode"]] == [200, 200]
    assert first["headers"]["Cache-Control"] == "max-age=30"
    assert "Authorization" in first["headers"]["Vary"]


def test_an_assignment_changes_the_tag(as_user):
    created(as_user, "running")
    tag = ask(as_user)["headers"]["ETag"]

    assign(experiments.read("checkout-button", consistent=True), "someone", {}, Runtime())

    assert ask(as_user, sent={"If_None_Match": tag})["statusCode"] == 200


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"start_date": "2026-02-30"}, "/start_date"),
        ({"start_date": "2026-11-22T00:00:00Z"}, "/start_date"),
        ({"start_date": "2026-11-22", "end_date": "2026-11-21"}, "/end_date"),
        ({"segment": "age"}, "/segment"),
        ({"segment": "a=b"}, "/segment"),
        ({"format": "html"}, "/format"),
        ({"granularity": "month"}, "/granularity"),
        ({"confidence_level": "1"}, "/confidence_level"),
        ({"confidence_level": "nan"}, "/confidence_level"),
        ({"correction": "bonferroni"}, "/correction"),
        ({"event_types": ""}, "/event_types"),
        ({"event_types": "a,,b"}, "/event_types"),
        ({"event_types": ",".join(f"t{n}" for n in range(1000))}, "/event_types"),
        ({"event_types": ",".join(f"t{n}" for n in range(11))}, "/event_types"),
        ({"include_time_series": "true", "granularity": "hour", "start_date": "2020-01-01"}, "/granularity"),
        (
            {"include_time_series": "true", "start_date": "0001-01-01", "end_date": "9999-12-31"},
            "/granularity",
        ),
        ({"unknown": "1"}, "/unknown"),
    ],
)
def test_questions_without_an_answer_are_refused_by_name(as_user, query, pointer):
    replay(trial({"control": [[UNIT]] * 3, "treatment": [[]] * 3}), as_user, now())

    answer = ask(as_user, **query)

    assert answer["statusCode"] == 422, answer
    assert json.loads(answer["body"])["errors"][0]["pointer"] == pointer


def test_it_needs_the_scope_and_an_experiment(as_user, as_key):
    assert ask(as_user)["statusCode"] == 404
    assert ask(as_key("experiments:read"))["statusCode"] == 403
    assert ask({})["statusCode"] == 401


def test_the_largest_experiment_answers_in_time_and_size(as_user):
    many = [{"key": f"v{n}", "weight": 5} for n in range(20)]
    metrics = [
        {"key": f"m{n}", "event_type": f"type-{n}", "kind": "value", "role": "primary"} for n in range(50)
    ]
    made = trial({f"v{n}": [[UNIT * n]] * 3 for n in range(20)}, variants=many, overrides={}, control="v0")
    replay(made._replace(definition=made.definition | {"metrics": metrics}), as_user, now())

    answer = ask(as_user, include_time_series="true")

    assert len(shown(answer)["metrics"]) == 50
    assert len(answer["body"]) < 6_000_000


FEW_TYPES = ",".join(f"type-{n}" for n in range(7))


@pytest.fixture
def many_segments(as_user: Headers) -> Headers:
    """The largest definition that is allowed, running."""
    variants = [{"key": f"v{n}", "weight": 5} for n in range(20)]
    metrics = [{"key": f"m{n}", "event_type": f"type-{n}", "kind": "count"} for n in range(50)]
    segments = [{"key": "country", "values": [f"c{n}" for n in range(20)]}]
    changes = {"variants": variants, "metrics": metrics, "segments": segments, "overrides": {}}
    created(as_user, "running", control="v0", **changes)
    return as_user


def test_segments_that_no_answer_could_hold_are_refused(many_segments: Headers) -> None:
    """Lambda sends 6 MB at most, and a function has 29 s: these would be 26 MB in 20 s."""
    refused = ask(many_segments, segment="country")

    assert refused["statusCode"] == 422
    assert json.loads(refused["body"])["errors"] == [
        {
            "pointer": "/segment",
            "detail": "gives more than 3000 figures (values x metrics x variants); narrow event_types",
        }
    ]
    assert ask(many_segments, segment="country", event_types=FEW_TYPES)["statusCode"] == 200


@pytest.mark.heavy
def test_the_most_segments_that_are_answered_fit_one_answer(many_segments: Headers) -> None:
    chosen = experiments.read("checkout-button", consistent=True)
    for label in ("*", *(f"country=c{n}" for n in range(20))):
        for variant in chosen.keys:
            users = rollups.enrolment_partition(chosen, 0)
            commit([rollups.add(users, f"{label}#0#{variant}", {"n": 9}, now())])

    answered = ask(many_segments, segment="country", event_types=FEW_TYPES)

    assert len(shown(answered)["segments"]) == 20
    assert len(json.dumps(answered)) < read.LARGEST_BYTES


def test_segments_and_a_series_that_are_too_much_together_are_refused(as_user, monkeypatch):
    created(as_user, "running", segments=[{"key": "country", "values": ["DE"]}])
    monkeypatch.setattr(read, "LARGEST_BYTES", 2_000)

    answer = ask(as_user, segment="country", include_time_series="true")

    assert answer["statusCode"] == 422
    assert json.loads(answer["body"])["errors"][0]["pointer"] == "/include_time_series"
    assert ask(as_user, include_time_series="true")["statusCode"] == 200


def test_the_function_imports_neither_numpy_nor_scipy():
    code = (
        "import sys, functions.results.read; "
        "print([name for name in ('numpy', 'scipy', 'pandas', 'arro3', 'duckdb') if name in sys.modules])"
    )

    printed = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": "layers/common:.", "POWERTOOLS_SERVICE_NAME": "x"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert printed.strip() == "[]"


def test_late_users_and_crossovers_are_told_with_a_warning_over_one_percent(as_user: Headers) -> None:
    created(as_user, "running")
    chosen = experiments.read("checkout-button", consistent=True)
    runtime = Runtime()
    users = [f"u{n}" for n in range(100)]
    for name in users:
        assign(chosen, name, {}, runtime)
    enrolled = shown(ask(as_user))["enrolled"]
    zero = {"control": 0, "treatment": 0}
    before = shown(ask(as_user))
    assert (before["late"], before["crossovers"], before["warnings"]) == (zero, zero, [])

    other = {"control": "treatment", "treatment": "control"}
    crossing = [
        Exposure("checkout-button", name, other[variant_of(chosen, name)], now(), now()) for name in users[:2]
    ]
    enrol_exposed(crossing, runtime, lambda: True)
    enrolments = rollups.enrolment_partition(chosen, 0)
    commit([rollups.add(enrolments, "*#0#treatment", {"n": 1, "l": 1}, now())])

    full, summary = shown(ask(as_user)), shown(ask(as_user, format="summary"))
    assert sum(full["crossovers"].values()) == 2
    assert full["late"] == {"control": 0, "treatment": 1}
    assert sum(full["enrolled"].values()) == sum(enrolled.values()) + 1
    (warning,) = full["warnings"]
    assert warning.startswith("2 users (2% of the enrolled) met another variant than their own")
    assert summary["warnings"] == full["warnings"]


def test_a_metric_of_a_type_that_is_not_all_counted_says_so(as_user: Headers) -> None:
    created(as_user, "running", metrics=METRICS)
    event_types.SeenTypes().note([event_types.Seen("purchase", 5, counted=True)], lambda: True)
    first = ask(as_user)
    assert {each["partial"] for each in shown(first)["metrics"]} == {False}

    event_types.SeenTypes().note([event_types.Seen("purchase", 5, counted=False)], lambda: True)

    answer = ask(as_user, sent={"If-None-Match": first["headers"]["ETag"]})
    assert {each["key"]: each["partial"] for each in shown(answer)["metrics"]} == {
        "bought": True,
        "orders": True,
        "revenue": True,
        "errors": False,
    }
    assert shown(answer)["warnings"] == [
        "Not all events of purchase are counted: some users have more than 200 event types."
    ]
    (viewed,) = shown(ask(as_user, format="metrics_only", event_types="error"))["metrics"]
    assert viewed["partial"] is False
