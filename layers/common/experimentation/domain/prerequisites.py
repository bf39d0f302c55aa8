"""Experiments that build on others: whether a user may take part, and in which order users enrol."""

from collections.abc import Iterable, Mapping

from experimentation.domain.experiment import Experiment, Status

DEEPEST = 5  # experiments that build on each other, so that an answer needs a bounded number of reads


def is_met(experiment: Experiment, prerequisite: Experiment | None, variant: str | None) -> bool:
    """Tell whether a user with this variant of the prerequisite may take part in the experiment.

    Once the prerequisite has ended, what it shipped counts for everybody, whatever they had.
    """
    if experiment.prerequisite is None:
        return True
    if prerequisite is None:
        return False
    counts = prerequisite.ship if prerequisite.status is Status.COMPLETED else variant
    return counts in experiment.prerequisite.variants


def named(experiments: Iterable[Experiment]) -> set[str]:
    """Return the ids of the experiments that these build on directly."""
    return {each.prerequisite.experiment_id for each in experiments if each.prerequisite is not None}


def descent(experiment: Experiment, among: Mapping[str, Experiment]) -> tuple[Experiment, int]:
    """Return the lowest experiment `among` these that this one builds on, and how many levels down it is."""
    depth = 0
    while experiment.prerequisite is not None and depth < DEEPEST:
        below = among.get(experiment.prerequisite.experiment_id)
        if below is None:
            break
        experiment, depth = below, depth + 1
    return experiment, depth
