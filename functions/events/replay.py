"""POST /events/dead-letters/replay - send dead letters to their queues again, as far as the time allows."""

import time

from experimentation.storage import queues
from experimentation.usecases.dead_letters import replay
from experimentation.web.endpoint import endpoint
from experimentation.web.schemas.dead_letters import ReplayRequest

BUDGET_SECONDS = 12  # of the function's 29: the last step may still meet slow calls


@endpoint(scope="admin")
def handler(body: ReplayRequest | None) -> dict[str, object]:
    """Answer how many messages moved and how many are left; safe to call again, or twice at once."""
    asked = body or ReplayRequest()
    until = time.monotonic() + BUDGET_SECONDS
    names = [asked.queue] if asked.queue else list(queues.SOURCES)
    replays = list(replay(names, asked.max_messages, lambda: time.monotonic() < until))
    return {
        "moved": sum(each.moved for each in replays),
        "left": sum(each.left for each in replays),
        "queues": [each._asdict() for each in replays],
    }
