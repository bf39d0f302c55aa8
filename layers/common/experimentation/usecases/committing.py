"""Writing a planned transaction, its counters to shards drawn at random."""

from experimentation.domain.counting.writes import Transaction
from experimentation.domain.experiment import Experiment
from experimentation.storage import writing
from experimentation.storage.writing import Refusal, Shards
from experimentation.usecases.runtime import Runtime


def commit(transaction: Transaction, runtime: Runtime) -> Refusal | None:
    """Write all of the transaction, or nothing and return why; UnavailableError when the outcome is unknown.

    After a conflict on a counter the environment draws another shard; many of them add shards.
    """
    now = runtime.clock()
    counted = (experiment_id for experiment_id, _ in (*transaction.enrolments, *transaction.rollups))
    experiments = runtime.experiments.read_many(counted, now)
    shards = {name: _shards(each, runtime) for name, each in experiments.items()}
    refusal = writing.write(transaction, shards, now)
    if refusal is not None and refusal.contended:
        runtime.draw_again()
        runtime.note_conflicts(refusal.contended)
    return refusal


def _shards(experiment: Experiment, runtime: Runtime) -> Shards:
    # Rollups: one shard an environment until a conflict, so that environments do not meet in one shard.
    # Enrolments: drawn for each transaction, which spreads widest, because they are on the user's path.
    return Shards(
        experiment,
        rollups=runtime.shard(experiment.shards),
        enrolments=int(runtime.rng.random() * experiment.shards),
    )
