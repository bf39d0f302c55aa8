"""What was declared before the start decides: late metrics, variants of weight 0, margins, days left."""

from math import ceil

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from experimentation.domain.experiment import Analysis as Mode
from experimentation.domain.statistics.pace import days_left, users_per_day
from experimentation.domain.statistics.study import MetricTotals, Progress
from tests.domain.statistics.test_analysis import FLAT, STUDY, WIN, action_of, conversions, result_of

DAY_MS = 86_400_000


def late(metric: MetricTotals) -> MetricTotals:
    return MetricTotals(metric.metric._replace(late=True), metric.variants)


def margin(metric: MetricTotals, allowed: float) -> MetricTotals:
    return MetricTotals(metric.metric._replace(margin=allowed), metric.variants)


def test_a_primary_declared_after_the_start_moves_neither_verdict_nor_error_rate() -> None:
    alone = result_of(conversions(FLAT))

    joined = result_of(conversions(FLAT), late(conversions(WIN, "found_later")))

    shown = joined.metrics[1]
    assert (shown.late, shown.role) == (True, "primary")
    assert shown.comparisons["treatment"].deciding is None
    assert shown.comparisons["treatment"].confidence != "significant"
    assert joined.metrics[0] == alone.metrics[0]
    assert joined.recommendation == alone.recommendation
    assert action_of(result_of(conversions(FLAT), conversions(WIN, "found_later"))) == "ship"


def test_a_guardrail_declared_after_the_start_stops_nothing() -> None:
    harm = conversions(WIN, "refunds", "guardrail", "decrease")

    assert action_of(result_of(conversions(WIN), late(harm))) == "ship"
    assert action_of(result_of(conversions(WIN), harm)) == "do_not_ship"


@pytest.mark.parametrize("qa_users", [0, 3])
def test_a_variant_without_weight_neither_blocks_the_verdict_nor_shares_the_error_rate(qa_users: int) -> None:
    study = STUDY._replace(weights={"control": 500_000, "treatment": 500_000, "qa": 0})
    alone = result_of(conversions(WIN))

    with_qa = result_of(conversions(WIN | {"qa": (qa_users, 0)}), study=study)

    assert with_qa.recommendation == alone.recommendation
    assert action_of(with_qa) == "ship"
    deciding = with_qa.metrics[0].comparisons["treatment"].deciding
    expected = alone.metrics[0].comparisons["treatment"].deciding
    assert deciding is not None
    assert deciding == expected
    assert deciding.alpha == 0.05


SAFE = {"control": (10_000, 2000), "treatment": (10_000, 2000)}
UNSURE = {"control": (10_000, 200), "treatment": (10_000, 210)}


@pytest.mark.parametrize(
    ("guardrail", "allowed", "action"),
    [
        (SAFE, 0.2, "ship"),
        (SAFE, 0.001, "keep_running"),
        (UNSURE, 0.1, "keep_running"),
        (UNSURE, 3.0, "ship"),
    ],
)
def test_a_guardrail_with_a_margin_has_to_be_shown_safe_before_a_win_ships(
    guardrail: dict[str, tuple[int, int]], allowed: float, action: str
) -> None:
    refunds = margin(conversions(guardrail, "refunds", "guardrail", "decrease"), allowed)

    found = result_of(conversions(WIN), refunds)

    assert action_of(found) == action
    assert found.recommendation is not None
    unsafe = [each for each in found.recommendation.reasons if "not shown to be safe" in each]
    assert len(unsafe) == (action != "ship")
    assert all("refunds" in each for each in unsafe)


def test_a_win_never_shown_safe_ends_without_a_verdict() -> None:
    refunds = margin(conversions(UNSURE, "refunds", "guardrail", "decrease"), 0.1)

    found = result_of(conversions(WIN), refunds, progress=Progress(30, completed=True, users_per_day=None))

    assert action_of(found) == "stop_inconclusive"
    assert found.recommendation is not None
    assert any("not shown to be safe" in each for each in found.recommendation.reasons)


@settings(max_examples=300, deadline=None)
@example(analysis=Mode.FIXED, control_share=0.99, enrolled=0, rate=205, planned=1, min_users=205, days=0)
@given(
    analysis=st.sampled_from([Mode.FIXED, Mode.GROUP_SEQUENTIAL]),
    control_share=st.sampled_from([0.5, 0.9, 0.1, 0.99]),
    enrolled=st.integers(0, 5000),
    rate=st.integers(1, 3000),
    planned=st.integers(1, 20_000),
    min_users=st.integers(0, 400),
    days=st.integers(0, 10),
)
def test_days_left_are_what_a_clock_counts(
    analysis: Mode, control_share: float, enrolled: int, rate: int, planned: int, min_users: int, days: int
) -> None:
    shares = {"control": control_share, "treatment": 1 - control_share}
    weights = {variant: round(1_000_000 * share) for variant, share in shares.items()}
    study = STUDY._replace(analysis=analysis, planned_users=planned, min_users=min_users, weights=weights)
    now = {variant: int(enrolled * share) for variant, share in shares.items()}

    left = days_left(study, Progress(days, completed=False, users_per_day=float(rate)), now, [])

    def done(after: int) -> bool:
        each = {variant: now[variant] + after * rate * weights[variant] / 1_000_000 for variant in now}
        # users are whole, and a clock does not tell a billionth of one
        enough = all(users >= min_users - 1e-9 for users in each.values())
        return enough and sum(now.values()) + after * rate >= planned and days + after >= study.min_days

    clock = 0
    while not done(clock):
        clock += 1
    assert left == clock


@settings(max_examples=200, deadline=None)
@given(
    start=st.integers(0, DAY_MS - 1),
    hours=st.integers(1, 24 * 20),
    a_minute=st.sampled_from([0.01, 0.1, 1.0]),
)
def test_the_rate_is_what_a_steady_stream_enrols_a_day(start: int, hours: int, a_minute: float) -> None:
    now = start + hours * 3_600_000
    by_day: dict[int, float] = {}
    for minute in range(hours * 60):
        at = start + minute * 60_000
        by_day[at // DAY_MS] = by_day.get(at // DAY_MS, 0.0) + a_minute

    rate = users_per_day({day: ceil(users) for day, users in by_day.items()}, start, now)

    if hours < 48:
        assert rate is None
    elif rate is not None:
        # every one of seven days is rounded up by less than one user
        assert rate == pytest.approx(a_minute * 1440, abs=7 / 2 + a_minute * 7)
