"""CPU time of things that are done in turns, so that what disturbs the machine disturbs all of them."""

import gc
import time
from collections.abc import Callable, Mapping
from statistics import median
from typing import NamedTuple

type Work = Callable[[], object]


class Cost(NamedTuple):
    """What one call takes, in milliseconds: the median over the rounds."""

    cpu: float
    wall: float


def interleaved(
    works: Mapping[str, Work], rounds: int, calls: Mapping[str, int] | int = 20
) -> dict[str, Cost]:
    """Return each work's cost; every round runs each of them `calls` times, in another order each round.

    CPU is this process's, of all its threads: what a client of DynamoDB pays, not what DynamoDB does.
    """
    names = list(works)
    taken: dict[str, list[Cost]] = {name: [] for name in names}
    for name in names:
        works[name]()
    gc.collect()
    gc.freeze()  # what one work keeps must not make collections longer for the others
    for number in range(rounds):
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            count = calls if isinstance(calls, int) else calls[name]
            taken[name].append(_once(works[name], count))
    gc.unfreeze()
    return {
        name: Cost(median(each.cpu for each in costs), median(each.wall for each in costs))
        for name, costs in taken.items()
    }


def _once(work: Work, calls: int) -> Cost:
    gc.collect()
    cpu, wall = time.process_time(), time.perf_counter()
    for _ in range(calls):
        work()
    return Cost((time.process_time() - cpu) / calls * 1000, (time.perf_counter() - wall) / calls * 1000)
