"""The archive: every event as a line of JSON in a bucket, one gzip object per batch and day of receipt.

The name of an object is the hash of its lines, so the same batch delivered again writes the same object.
"""

import gzip
import json
from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import Any

from experimentation import settings
from experimentation.domain.clock import moment, rfc3339
from experimentation.domain.counting.event import Event, in_units
from experimentation.storage.aws import client
from experimentation.storage.aws.failures import translated
from experimentation.storage.queue_message import PoisonError

PREFIX = "events/date="
SUFFIX = ".ndjson.gz"


def rows(events: Iterable[Event]) -> dict[str, list[bytes]]:
    """Return the lines of the events by day of receipt; PoisonError when one cannot be written as JSON."""
    days: dict[str, list[bytes]] = {}
    for event in events:
        try:
            days.setdefault(moment(event.received).date().isoformat(), []).append(_row(event))
        except (ValueError, OverflowError, OSError, RecursionError) as error:
            raise PoisonError("an event that is no event") from error
    return days


def put(day: str, lines: Iterable[bytes]) -> str:
    """Store the lines as one object, each once; return its key."""
    content = b"\n".join(sorted(set(lines))) + b"\n"
    key = f"{PREFIX}{day}/{sha256(content).hexdigest()}{SUFFIX}"
    with translated():
        client.s3().put_object(
            Bucket=settings.archive_bucket(),
            Key=key,
            Body=gzip.compress(content, mtime=0),
            ContentType="application/gzip",
        )
    return key


def keys(day: str) -> Iterator[str]:
    """Yield the keys of the day's objects."""
    start: dict[str, str] = {}
    while True:
        with translated():
            answer = client.s3().list_objects_v2(
                Bucket=settings.archive_bucket(),
                Prefix=f"{PREFIX}{day}/",
                **start,  # type: ignore[arg-type]
            )
        yield from (item["Key"] for item in answer.get("Contents", []))
        if "NextContinuationToken" not in answer:
            return
        start = {"ContinuationToken": answer["NextContinuationToken"]}


def read(key: str) -> Iterator[dict[str, Any]]:
    """Yield the events of one object as they were written."""
    with translated():
        content = client.s3().get_object(Bucket=settings.archive_bucket(), Key=key)["Body"].read()
    for line in gzip.decompress(content).splitlines():
        yield json.loads(line)


def _row(event: Event) -> bytes:
    row = {
        "event_id": event.event_id,
        "user_id": event.user_id,
        "type": event.type,
        "timestamp": rfc3339(event.at),
        "received_at": rfc3339(event.received),
        "value": in_units(event.value),
    }
    # The properties go in as the text that they are: read and written again, a long number would lose digits.
    text = json.dumps(row, ensure_ascii=False, separators=(",", ":"))
    return f'{text[:-1]},"properties":{_object(event.properties)}}}'.encode()


def _object(text: str) -> str:
    """Return the JSON text of an object, on one line; ValueError when it is none."""
    if not isinstance(json.loads(text, parse_constant=_refuse), dict):
        raise ValueError("not an object")  # noqa: TRY004 - what rows() expects of a bad event
    return text.replace("\r", " ").replace("\n", " ")


def _refuse(constant: str) -> object:
    raise ValueError(f"{constant} is not JSON")
