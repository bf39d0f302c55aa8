"""The runtime: pauses with full jitter, shards that stay until a conflict, and room made after many."""

import random

import pytest

from experimentation.clock import wall_clock
from experimentation.storage import experiments
from experimentation.usecases.runtime import CONFLICTS_TO_GROW, Runtime
from tests.experiments import running
from tests.usecases.conftest import NOW


def test_the_wall_clock_counts_milliseconds():
    assert wall_clock() > NOW - 365 * 86_400_000


def test_an_environment_keeps_its_shard_until_it_draws_again():
    runtime = Runtime(rng=random.Random(3))

    shards = {runtime.shard(64) for _ in range(20)}
    runtime.draw_again()

    assert len(shards) == 1
    assert runtime.shard(64) not in shards
    assert runtime.shard(1) == 0


@pytest.mark.usefixtures("aws")
def test_shards_double_after_many_conflicts_of_one_experiment():
    running("a", NOW)
    running("b", NOW)
    runtime = Runtime(clock=lambda: NOW)

    for _ in range(CONFLICTS_TO_GROW):
        runtime.note_conflicts(["a", "a"])
    runtime.note_conflicts(["b"])

    assert experiments.read("a", consistent=True).shards == 8
    assert experiments.read("b", consistent=True).shards == 4
