"""A synthetic shop of 20,000 users: every number of the full answer equals a computation from raw rows."""

import numpy as np
import pytest
from scipy.stats import norm
from statsmodels.stats.meta_analysis import combine_effects
from statsmodels.stats.multitest import multipletests

from experimentation.domain.clock import DAY_MS, day_number, rfc3339
from tests.trials.brute_force import Rows
from tests.trials.replay import replay, results
from tools.demo.shop import shop
from tools.demo.trial import UNIT


@pytest.fixture
def trial(as_user, noon):
    """The shop, stored as the worker would have counted it."""
    made = shop(noon)
    replay(made, as_user, noon)
    return made


def test_every_number_equals_the_brute_force(trial, as_user, same):
    rows = Rows(trial)

    shown = results(as_user, "shop", format="full")

    assert shown["enrolled"] == rows.enrolled()
    same(shown["srm"], rows.sample_ratio())
    same(shown["metrics"], rows.metrics())
    assert shown["exploratory"] is False


@pytest.mark.heavy
def test_all_formats_say_to_ship_the_page_that_sells_more(trial, as_user):
    full = results(as_user, "shop", format="full")
    alone = results(as_user, "shop", format="metrics_only")
    summary = results(as_user, "shop", format="summary")

    assert full["recommendation"]["action"] == "ship"
    assert full["recommendation"]["variant"] == "one_page"
    assert full["summary"].startswith("One_page raises purchase_rate by ")
    assert full["summary"].endswith("Recommendation: ship.")
    assert alone == {"experiment_id": "shop", "metrics": full["metrics"]}
    assert summary["summary"] == full["summary"]
    assert summary["recommendation"] == full["recommendation"]
    headline = full["metrics"][0]["comparisons"]["one_page"]
    assert summary["variants"]["one_page"]["lift"] == headline["lift"]


def test_a_breakdown_is_corrected_across_its_labels_and_adjusted_for_them(trial, as_user):
    answer = results(as_user, "shop", segment="country")

    first = answer["breakdown"][0]
    assert (first["metric"], first["variant"]) == ("purchase_rate", "one_page")
    arms = {
        each["segment"]: (each["metrics"][0]["comparisons"]["one_page"], sum(each["enrolled"].values()))
        for each in answer["segments"]
    }
    _, holm, *_ = multipletests([arm["p_value"] for arm, _ in arms.values()], method="holm")
    assert first["adjusted_p_values"] == pytest.approx(dict(zip(arms, holm, strict=True)), rel=1e-9)
    differences = np.array([arm["difference"] for arm, _ in arms.values()])
    variances = np.array([arm["se"] ** 2 for arm, _ in arms.values()])
    shares = np.array([users for _, users in arms.values()]) / sum(users for _, users in arms.values())
    adjusted = first["post_stratified"]
    assert adjusted["difference"] == pytest.approx(differences @ shares, rel=1e-9)
    assert adjusted["se"] == pytest.approx(np.sqrt(shares**2 @ variances), rel=1e-9)
    assert adjusted["interval"] == pytest.approx(
        norm.interval(0.95, differences @ shares, np.sqrt(shares**2 @ variances)), rel=1e-9
    )
    combined = combine_effects(differences, variances)
    assert first["heterogeneity"]["q"] == pytest.approx(combined.q, rel=1e-9)
    assert first["heterogeneity"]["degrees_of_freedom"] == 2
    assert first["heterogeneity"]["p_value"] == pytest.approx(combined.test_homogeneity().pvalue, rel=1e-9)
    assert "breakdown" not in results(as_user, "shop")


@pytest.mark.heavy
def test_every_number_of_a_segment_equals_the_brute_force(trial, as_user, same):
    shown = {each["segment"]: each for each in results(as_user, "shop", segment="country")["segments"]}

    assert set(shown) == {"country=DE", "country=US", "country=other"}
    for country in ("DE", "US", "other"):
        rows, mine = Rows(trial, country), shown[f"country={country}"]
        assert mine["enrolled"] == rows.enrolled()
        same(mine["srm"] | {"sequential_p_value": 0}, rows.sample_ratio() | {"sequential_p_value": 0})
        same(mine["metrics"], rows.metrics(declared=False))
    effects = {name: each["metrics"][0]["comparisons"]["one_page"]["lift"] for name, each in shown.items()}
    assert max(effects, key=effects.get) == "country=US"


@pytest.mark.heavy
def test_every_number_of_a_window_equals_the_brute_force(trial, as_user, same, noon):
    today = day_number(noon)
    for first, last in ((today - 20, today - 20), (today - 25, today - 3), (today - 60, today)):
        shown = results(
            as_user,
            "shop",
            start_date=rfc3339(first * DAY_MS)[:10],
            end_date=rfc3339(last * DAY_MS)[:10],
        )
        rows = Rows(trial, days=(first, last))

        assert shown["exploratory"] is True
        assert shown["recommendation"] is None
        assert shown["enrolled"] == rows.enrolled()
        same(shown["metrics"], rows.metrics(declared=False))


@pytest.mark.heavy
def test_daily_series_equal_the_brute_force_and_end_in_the_whole(trial, as_user, same):
    shown = results(as_user, "shop", include_time_series="true", granularity="day")["time_series"]
    steps = {(row["start"], row["metric"], row["variant"]): row for row in shown}
    assert len(steps) == len(shown)

    first = min(each.at for each in trial.assignments) // DAY_MS
    for day in (first, first + 1, first + 15, first + 29):
        alone, running = Rows(trial, days=(day, day)), Rows(trial, days=(first, day))
        for metric in trial.definition["metrics"]:
            for variant in running.variants:
                row = steps[rfc3339(day * DAY_MS), metric["key"], variant]
                today, until = alone.arm(metric, variant), running.arm(metric, variant)
                assert row["enrolled"] == running.batches[day][variant]
                assert (row["count"], row["converters"]) == (today.events, today.converters)
                assert row["sum"] == today.values / UNIT
                assert row["cumulative"]["enrolled"] == len(until.y)
                assert row["cumulative"]["converters"] == until.converters
                assert row["cumulative"]["sum"] == until.values / UNIT
    whole = {each["key"]: each["comparisons"] for each in Rows(trial).metrics()}
    last = max(row["start"] for row in shown)
    for (start, metric, variant), row in steps.items():
        if start == last and variant != "control":
            same(row["cumulative"]["always_valid"], whole[metric][variant]["always_valid"])
            same(row["cumulative"]["difference"], whole[metric][variant]["difference"])


@pytest.mark.heavy
def test_hourly_series_add_up_to_the_raw_rows(trial, as_user, same):
    shown = results(as_user, "shop", include_time_series="true", granularity="hour")["time_series"]

    total = {"count": 0, "sum": 0.0, "enrolled": 0}
    for row in shown:
        if row["metric"] == "orders":
            total = {name: total[name] + row[name] for name in total}
    orders = [each for each in trial.events if each.type == "purchase"]
    same(total, {
        "count": len(orders),
        "sum": sum(each.value for each in orders) / UNIT,
        "enrolled": len(trial.assignments),
    })  # fmt: skip


def test_a_split_that_is_off_blocks_every_verdict(as_user, same, noon):
    trial = shop(noon, mismatch=True)
    replay(trial, as_user, noon)

    shown = results(as_user, "shop-mismatch", format="full")

    rows = Rows(trial)
    same(shown["srm"], rows.sample_ratio())
    same(shown["metrics"], rows.metrics())
    assert shown["srm"]["status"] == "mismatch"
    assert shown["recommendation"]["action"] == "investigate_srm"
    assert {each["confidence"] for metric in shown["metrics"] for each in metric["comparisons"].values()} == {
        "low"
    }
