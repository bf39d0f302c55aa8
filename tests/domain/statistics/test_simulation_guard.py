"""A small run of benchmarks/simulate_guard.py: the guard looks every five minutes for 28 days."""

import numpy as np

from benchmarks import simulate_guard
from benchmarks.simulated_looks import Plan
from experimentation.domain.experiment import Kind


def test_harm_is_paused_within_hours_and_no_harm_is_not() -> None:
    random = np.random.default_rng(1)
    harm = Plan("harm", Kind.CONVERSION, 2000, 0.5, 0.005, effect=20)
    none = Plan("A/A", Kind.CONVERSION, 2000, 0.5, 0.02)

    harmed = simulate_guard.paused(harm, simulate_guard.CHUNK, 2, random).guard
    harmless = simulate_guard.paused(none, simulate_guard.CHUNK, 2, random).guard

    assert (harmed > 0).all()
    assert np.median(harmed) < simulate_guard.LOOKS_A_DAY / 2
    assert (harmless > 0).mean() <= 0.01
