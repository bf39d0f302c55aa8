"""A few of the mutants, which the first worlds already notice; `make mutants` makes them all."""

import pytest

from tests.mutants.__main__ import noticed, simulation
from tests.mutants.table import MUTANTS, Mutant

QUICK = {"square-without-cross-term", "pair-not-split", "segments-forgotten"}
SEEDS = 4


@pytest.mark.parametrize("mutant", [m for m in MUTANTS if m.name in QUICK], ids=lambda mutant: mutant.name)
def test_the_first_worlds_notice_a_deliberate_bug(mutant: Mutant) -> None:
    outcome = noticed(mutant, {"simulation": simulation(0, SEEDS)})

    assert outcome.problem == ""
    assert outcome.killed_by is not None
    assert outcome.killed_by.startswith("seed ")
