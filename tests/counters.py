"""The counter items of an experiment, as tests look at them."""

from collections.abc import Callable

from experimentation.domain.experiment import Experiment
from experimentation.storage import rollups
from experimentation.storage.rollups import Cell


def cells(
    experiment: Experiment,
    prefix: str = "",
    partition: Callable[[Experiment, int | str], str] = rollups.partition,
) -> list[Cell]:
    """Return the items of all its shards whose sort key begins with the prefix."""
    shards = rollups.shards_of(experiment)
    return [cell for shard in shards for cell in rollups.read(partition(experiment, shard), prefix)]
