"""One worker process of `make faults`."""

import os
import random
from collections import Counter

from experimentation.domain.counting.event import Event
from experimentation.storage.aws import client
from experimentation.usecases.counting import count_events
from experimentation.usecases.runtime import Runtime

DELIVERIES = 40


def work_off(environment: dict[str, str], batches: list[list[Event]], seed: int) -> Counter[str]:
    """Deliver each batch until all of it is counted, as a queue would; return what happened."""
    os.environ |= environment
    client.reset()
    runtime = Runtime(chance=random.Random(seed))
    seen: Counter[str] = Counter()
    for batch in batches:
        waiting = batch
        for _ in range(DELIVERIES):
            outcome = count_events(waiting, runtime, lambda: True)
            seen["counted"] += len(outcome.counted)
            seen["duplicates"] += len(outcome.duplicates)
            seen["transactions"] += outcome.transactions
            seen["conflicts"] += outcome.conflicts
            waiting = [event for event in waiting if (event.user_id, event.event_id) in outcome.failed]
            if not waiting:
                break
            seen["deliveries again"] += 1
        seen["never counted"] += len(waiting)
    return seen
