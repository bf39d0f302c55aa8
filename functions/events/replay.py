"""POST /events/dead-letters/replay - send dead letters to their queues again, as far as the time allows.

A message is deleted once its queue has it, so a call that dies half-way loses nothing; what two calls or two
tries send twice is counted once, because counting is idempotent.
"""

import time

from experimentation import settings, telemetry
from experimentation.storage import queues
from experimentation.web.endpoint import endpoint
from experimentation.web.schemas.dead_letters import ReplayRequest

BUDGET_SECONDS = 12  # of the function's 29: a step that was begun may still meet slow calls
HIDDEN_SECONDS = 60  # longer than the function lives: another replay at once gets other messages


@endpoint(scope="admin")
def handler(body: ReplayRequest | None) -> dict[str, object]:
    """Answer how many messages moved and how many are left; safe to call again, or twice at once."""
    wanted = body or ReplayRequest()
    until = time.monotonic() + BUDGET_SECONDS
    moved = left = 0
    report: list[dict[str, object]] = []
    for name in [wanted.queue] if wanted.queue else list(queues.SOURCES):
        most = None if wanted.max_messages is None else wanted.max_messages - moved
        here, drained = _replay(name, most, until)
        remaining = queues.depth(settings.dead_letter_queue_url(name)).total
        report.append({"queue": name, "moved": here, "left": remaining, "drained": drained})
        moved, left = moved + here, left + remaining
    return {"moved": moved, "left": left, "queues": report}


def _replay(name: str, most: int | None, until: float) -> tuple[int, bool]:
    """Move messages until none is left, the queue refuses one, or the time is up."""
    dead, source = settings.dead_letter_queue_url(name), settings.queue_url(queues.SOURCES[name])
    wait_seconds = 1 if queues.depth(dead).waiting else 0  # not to wait for what is not there
    moved = 0
    while time.monotonic() < until and (most is None or moved < most):
        limit = queues.MAX_BATCH if most is None else most - moved
        found = queues.receive(dead, limit, HIDDEN_SECONDS, wait_seconds)
        accepted = [found[position] for position in sorted(queues.send(source, [m.body for m in found]))]
        queues.delete(dead, accepted)
        moved += len(accepted)
        telemetry.count("MessagesReplayed", len(accepted))
        if not found or len(accepted) < len(found):
            return moved, not found
    return moved, False
