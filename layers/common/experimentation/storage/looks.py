"""LOOK items: an experiment's results at the end of each day and at its completion, stored once each."""

import json
from collections.abc import Iterable

from experimentation import settings
from experimentation.domain.errors import UnavailableError
from experimentation.domain.facts import Fact
from experimentation.domain.statistics.looks import Look, document, look_of
from experimentation.storage import outbox
from experimentation.storage.aws.paged_query import every_item, in_partition
from experimentation.storage.aws.transactions import CancelledError, commit, put_new

PREFIX = "LOOK#"


def put(experiment_id: str, look: Look, taken_at: int, facts: Iterable[Fact]) -> bool:
    """Store a look with its facts; False when that day's look is stored already, which then stays."""
    item = {
        "PK": {"S": f"EXP#{experiment_id}"},
        "SK": {"S": f"{PREFIX}{look.day:07d}#{int(look.completed)}"},
        "taken_at": {"N": str(taken_at)},
        "look": {"S": json.dumps(document(look), ensure_ascii=False, separators=(",", ":"))},
    }
    try:
        commit([put_new(item), *(action for fact in facts for action in outbox.put(fact))])
    except CancelledError as error:
        if not error.condition_failed(0):
            # A conflict or a throttle does not tell whether the look is stored.
            raise UnavailableError("The look could not be stored; the next run takes it.") from error
        return False
    return True


def read(experiment_id: str) -> list[Look]:
    """Return the experiment's looks in the order of their days, read consistently."""
    query = in_partition(settings.data_table(), f"EXP#{experiment_id}", PREFIX, consistent=True)
    return [look_of(json.loads(item["look"]["S"])) for item in every_item(query)]
