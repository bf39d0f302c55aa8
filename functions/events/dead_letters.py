"""GET /events/dead-letters - what waits in the dead-letter queues: how much, how old, and a sample."""

from experimentation.storage import queues
from experimentation.usecases.dead_letters import Waiting, look
from experimentation.web.endpoint import endpoint


@endpoint(scope="admin")
def handler(now: int) -> dict[str, object]:
    """Answer for every dead-letter queue; who did what is left out."""
    return {"queues": [_shown(look(name, now)) for name in queues.SOURCES]}


def _shown(waiting: Waiting) -> dict[str, object]:
    return waiting._asdict() | {"sample": [letter._asdict() for letter in waiting.sample]}
