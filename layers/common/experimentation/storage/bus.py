"""The event bus that facts are sent to."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from experimentation import settings
from experimentation.domain.clock import rfc3339
from experimentation.domain.facts import Fact
from experimentation.storage.aws import client
from experimentation.storage.aws.failures import translated

if TYPE_CHECKING:
    from mypy_boto3_events.type_defs import PutEventsRequestEntryTypeDef

SOURCE = "experimentation"
MOST_ENTRIES = 10  # of one call
# A rule's input transformer does not escape values: a quote would make the mail of NotifyEmail or a webhook's
# body invalid JSON, and EventBridge would send nothing.
_UNESCAPED = str.maketrans({'"': "'", "\\": "/"})


def put(facts: Sequence[Fact]) -> list[Fact]:
    """Send up to MOST_ENTRIES facts; return those that the bus accepted."""
    arn = settings.notification_bus_arn()
    with translated():
        answer = client.events().put_events(Entries=[_entry(fact, arn) for fact in facts])
    outcomes = zip(facts, answer["Entries"], strict=True)
    return [fact for fact, outcome in outcomes if "ErrorCode" not in outcome]


def _entry(fact: Fact, arn: str) -> "PutEventsRequestEntryTypeDef":
    told = {"at": rfc3339(fact.at), "sentence": fact.sentence.translate(_UNESCAPED)}
    return {
        "EventBusName": arn,
        "Source": SOURCE,
        "DetailType": f"experiment {fact.kind.value}",
        "Time": datetime.fromtimestamp(fact.at / 1000, UTC),
        "Detail": json.dumps(fact._asdict() | told, ensure_ascii=False),
    }
