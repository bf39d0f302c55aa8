"""Percent outside, millionths inside, and nothing lost between."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experimentation.domain.percent import millionths, percent


@given(st.integers(0, 1_000_000))
def test_every_share_survives_the_way_out_and_back(share: int) -> None:
    assert millionths(percent(share)) == share


@pytest.mark.parametrize("share", [0, 500_000, 1_000_000])
def test_whole_percents_are_integers(share: int) -> None:
    assert isinstance(percent(share), int)


@pytest.mark.parametrize("given_percent", [-1, -0.0001, 100.0001, 1e300, float("nan"), float("inf")])
def test_what_is_no_percentage_is_refused(given_percent: float) -> None:
    with pytest.raises(ValueError, match="percentage from 0 to 100"):
        millionths(given_percent)


@pytest.mark.parametrize("given_percent", [0.00001, 33.33333, 99.99999])
def test_a_fifth_decimal_is_refused(given_percent: float) -> None:
    with pytest.raises(ValueError, match="at most four decimals"):
        millionths(given_percent)
