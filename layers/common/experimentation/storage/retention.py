"""The RETENTION item: the parameter RetentionDays as last noted, and since when a raised one holds."""

from experimentation import settings
from experimentation.domain.counting.retention import Retention, changed
from experimentation.storage.aws import client
from experimentation.storage.aws.failures import translated
from experimentation.storage.aws.transactions import CancelledError, Item, commit, put_if, put_new

KEY: Item = {"PK": {"S": "SETTINGS"}, "SK": {"S": "RETENTION"}}


def stored() -> Retention | None:
    """Return the noted retention; None before the first note."""
    with translated():
        answer = client.dynamodb().get_item(TableName=settings.data_table(), Key=KEY, ConsistentRead=True)
    if "Item" not in answer:
        return None
    return Retention(*(int(answer["Item"][name]["N"]) for name in Retention._fields))


def current() -> Retention:
    """Return the retention by which events are accepted and kept now.

    A raised parameter holds once it is noted, because the note says from which day on events are complete.
    """
    noted, days = stored(), settings.retention_days()
    return Retention(days) if noted is None else noted._replace(days=min(noted.days, days))


def note(now: int) -> None:
    """Store the parameter if it has changed; of two concurrent notes the first wins."""
    before, days = stored(), settings.retention_days()
    if before is not None and before.days == days:
        return
    after = Retention(days) if before is None else changed(before, days, now)
    item = KEY | {name: {"N": str(value)} for name, value in after._asdict().items()}
    try:
        commit([put_new(item) if before is None else put_if(item, "days", before.days)])
    except CancelledError:
        return
