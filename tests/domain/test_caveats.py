"""Warnings of how users were counted: only over one percent, and with the numbers."""

import pytest

from experimentation.domain.results.caveats import Caveats, caveats, warnings
from experimentation.domain.results.totals import Span, Table

ENROLLED = {"control": 600, "treatment": 400}


@pytest.mark.parametrize(("users", "expected"), [(0, 0), (10, 0), (11, 1)])
@pytest.mark.parametrize("name", ["late", "crossovers"])
def test_over_one_percent_is_worth_a_warning(name, users, expected):
    found = warnings(
        Caveats(**{name: {"control": users - 1 if users else 0, "treatment": min(users, 1)}}), ENROLLED
    )

    assert len(found) == expected
    assert all(sentence.startswith("11 users (1.1% of the enrolled)") for sentence in found)


def test_crossovers_of_nobody_enrolled_are_told_without_a_share():
    (sentence,) = warnings(Caveats(crossovers={"control": 3}), {"control": 0})

    assert sentence.startswith("3 users met another variant")


def test_a_window_has_the_caveats_up_to_its_end():
    table = Table()
    table.add_enrolment("*#0#control", {"n": 5, "h00": 5, "l": 2})
    table.add_enrolment("*#3#control", {"n": 5, "h07": 5, "l": 1, "x": 4})
    table.add_enrolment("country=DE#0#control", {"n": 5, "h00": 5})

    first = caveats(table, ["control", "treatment"], Span(0, 2), frozenset())
    whole = caveats(table, ["control", "treatment"], Span(0, 3), frozenset({"purchase"}))

    assert (first.late, first.crossovers) == ({"control": 2, "treatment": 0}, {"control": 0, "treatment": 0})
    assert (whole.late, whole.crossovers) == ({"control": 3, "treatment": 0}, {"control": 4, "treatment": 0})
    assert warnings(whole, {"control": 1_000})[0].startswith("Not all events of purchase")
