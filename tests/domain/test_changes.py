"""Which fields may change in which status, and how the history describes it."""

from dataclasses import replace
from typing import Any

import pytest

from experimentation.domain.changes import Change, Edit, differences, edited
from experimentation.domain.errors import ConflictError, InvalidError
from experimentation.domain.experiment import Analysis, CountFrom, Kind, Metric, Segment, Status, Variant
from tests.experiments import CREATED_AT, PURCHASE_RATE, experiment

NOW = CREATED_AT + 60_000
LIVE = (Status.RUNNING, Status.PAUSED)
SIGN_UPS = Metric("sign_ups", "sign_up", Kind.COUNT)
FIXED: list[Edit] = [
    {"variants": (Variant("control", 100_000), Variant("treatment", 900_000))},
    {"variants": (Variant("control", 500_000, "1"), Variant("treatment", 500_000))},
    {"control": "treatment"},
    {"segments": (Segment("country", ("DE",)),)},
    {"analysis": Analysis.FIXED},
    {"planned_users": 40_000},
    {"planned_users": None},
    {"min_users": 1},
    {"min_days": 1},
    {"minimum_effect": "0.05"},
    {"count_from": CountFrom.EXPOSURE},
]


@pytest.mark.parametrize("edit", FIXED)
def test_a_draft_may_change(edit: Edit) -> None:
    after = edited(experiment(), edit, NOW)

    assert {name: getattr(after, name) for name in edit} == dict(edit)


@pytest.mark.parametrize("status", LIVE)
@pytest.mark.parametrize("edit", FIXED)
def test_what_the_results_rest_on_may_not_change_after_the_start(edit: Edit, status: Status) -> None:
    with pytest.raises(ConflictError) as caught:
        edited(experiment(status=status), edit, NOW)

    (name,) = edit
    assert [error.pointer for error in caught.value.errors] == [f"/{name}"]
    assert name in caught.value.detail
    assert caught.value.errors[0].detail


@pytest.mark.parametrize("status", Status)
def test_a_salt_never_changes(status: Status) -> None:
    with pytest.raises(ConflictError) as caught:
        edited(experiment(status=status), {"salt": "other"}, NOW)

    assert [error.pointer for error in caught.value.errors] == ["/salt"]


@pytest.mark.parametrize("status", Status)
def test_words_may_change_at_any_time(status: Status) -> None:
    edit: Edit = {"name": "New", "description": "Longer", "hypothesis": "Green sells"}

    after = edited(experiment(status=status), edit, NOW)

    assert (after.name, after.description, after.hypothesis) == ("New", "Longer", "Green sells")


@pytest.mark.parametrize(
    "edit",
    [*FIXED, {"traffic_allocation": 1_000_000}, {"metrics": (PURCHASE_RATE, SIGN_UPS)}, {"overrides": {}}],
)
def test_a_completed_experiment_keeps_everything_but_its_words(edit: Edit) -> None:
    completed = experiment(status=Status.COMPLETED, traffic_allocation=500_000)

    with pytest.raises(ConflictError):
        edited(completed, edit, NOW)


@pytest.mark.parametrize("status", Status)
def test_a_field_that_keeps_its_value_is_never_refused(status: Status) -> None:
    before = experiment(status=status)
    edit: Edit = {
        "variants": before.variants,
        "control": before.control,
        "salt": before.salt,
        "metrics": tuple(replace(metric, declared_at=0) for metric in before.metrics),
        "planned_users": before.planned_users,
    }

    assert edited(before, edit, NOW) == before


@pytest.mark.parametrize("status", LIVE)
def test_traffic_may_grow(status: Status) -> None:
    before = experiment(status=status, traffic_allocation=100_000)

    assert edited(before, {"traffic_allocation": 500_000}, NOW).traffic_allocation == 500_000


@pytest.mark.parametrize("status", LIVE)
def test_traffic_may_not_shrink(status: Status) -> None:
    before = experiment(status=status, traffic_allocation=500_000)

    with pytest.raises(ConflictError, match="may only grow from 50"):
        edited(before, {"traffic_allocation": 499_999}, NOW)


@pytest.mark.parametrize("status", LIVE)
def test_a_metric_may_be_added_and_is_declared_then(status: Status) -> None:
    after = edited(experiment(status=status), {"metrics": (SIGN_UPS, PURCHASE_RATE)}, NOW)

    assert {metric.key: metric.declared_at for metric in after.metrics} == {
        "purchase_rate": CREATED_AT,
        "sign_ups": NOW,
    }


def test_a_metric_added_by_a_request_from_before_the_start_is_declared_after_it() -> None:
    before = experiment(status=Status.RUNNING, started_at=NOW)

    after = edited(before, {"metrics": (PURCHASE_RATE, SIGN_UPS)}, NOW - 5)

    assert after.metrics[1].declared_at == NOW + 1


@pytest.mark.parametrize("status", LIVE)
@pytest.mark.parametrize(
    ("metrics", "pointer"),
    [
        ((SIGN_UPS,), "/metrics"),
        ((SIGN_UPS, replace(PURCHASE_RATE, kind=Kind.VALUE)), "/metrics/1"),
        ((replace(PURCHASE_RATE, event_type="order"),), "/metrics/0"),
    ],
)
def test_a_metric_may_not_be_removed_or_redefined(
    metrics: tuple[Metric, ...], pointer: str, status: Status
) -> None:
    with pytest.raises(ConflictError) as caught:
        edited(experiment(status=status), {"metrics": metrics}, NOW)

    assert [error.pointer for error in caught.value.errors] == [pointer]


@pytest.mark.parametrize("status", LIVE)
def test_overrides_may_change_while_it_runs(status: Status) -> None:
    after = edited(experiment(status=status), {"overrides": {"qa-2": "control"}}, NOW)

    assert after.overrides == {"qa-2": "control"}


def test_every_field_that_is_refused_is_named_at_once() -> None:
    edit: Edit = {"min_days": 1, "control": "treatment", "name": "New"}

    with pytest.raises(ConflictError) as caught:
        edited(experiment(status=Status.RUNNING), edit, NOW)

    assert {error.pointer for error in caught.value.errors} == {"/min_days", "/control"}


@pytest.mark.parametrize(
    ("edit", "pointer"),
    [
        ({"variants": (Variant("a", 500_000), Variant("b", 500_000))}, "/control"),
        ({"variants": (Variant("control", 500_000), Variant("treatment", 499_999))}, "/variants"),
        ({"overrides": {"qa/1~": "nobody"}}, "/overrides/qa~11~0"),
        ({"metrics": (SIGN_UPS, SIGN_UPS)}, "/metrics/1/key"),
    ],
)
def test_a_draft_may_not_contradict_itself(edit: Edit, pointer: str) -> None:
    with pytest.raises(InvalidError) as caught:
        edited(experiment(), edit, NOW)

    assert pointer in [error.pointer for error in caught.value.errors]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, []),
        ({"version": 2, "updated_at": NOW}, []),
        ({"name": "New"}, [Change("name", "Checkout button", "New")]),
        ({"traffic_allocation": 333_333}, [Change("traffic_allocation", 100, 33.3333)]),
        (
            {"status": Status.RUNNING, "started_at": CREATED_AT},
            [Change("status", "draft", "running"), Change("started_at", None, "2026-11-22T07:00:00.000Z")],
        ),
        ({"shards": 8}, []),
    ],
)
def test_the_history_says_what_changed_from_what_to_what(
    changes: dict[str, Any], expected: list[Change]
) -> None:
    found = differences(experiment(), experiment(**changes))

    assert sorted(found) == sorted(expected)


def test_a_config_of_ten_differs_from_one_of_ten_point_zero() -> None:
    before = experiment(variants=(Variant("control", 500_000, "10"), Variant("treatment", 500_000)))
    after = experiment(variants=(Variant("control", 500_000, "10.0"), Variant("treatment", 500_000)))

    assert [change.field for change in differences(before, after)] == ["variants"]
