"""The archive: every event and exposure as a line of JSON, one gzip object per batch and day of receipt.

The name of an object is the hash of its lines, so the same batch delivered again writes the same object.
"""

import gzip
import json
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from io import BytesIO
from typing import Any, NamedTuple

from botocore.exceptions import ClientError

from experimentation import settings
from experimentation.domain.clock import milliseconds, moment, rfc3339
from experimentation.domain.counting.event import Event, in_units
from experimentation.domain.counting.exposure import Exposure
from experimentation.storage.aws import client
from experimentation.storage.aws.failures import error_code, translated
from experimentation.storage.queue_message import PoisonError

EVENTS, EXPOSURES = "events", "exposures"
SUFFIX = ".ndjson.gz"


class Listed(NamedTuple):
    """An object of the archive: when it was last written (ms, to the second), and its compressed bytes."""

    key: str
    written: int
    size: int


class Copy(NamedTuple):
    """Versions of one object with equal content, and whether readers get this content now."""

    versions: tuple[str, ...]
    is_current: bool


def rows(lines: Iterable[Event | Exposure]) -> dict[str, list[bytes]]:
    """Return the lines by day of receipt; PoisonError when one cannot be written as JSON."""
    days: dict[str, list[bytes]] = {}
    for each in lines:
        try:
            days.setdefault(moment(each.received).date().isoformat(), []).append(_row(each))
        except (ValueError, OverflowError, OSError, RecursionError) as error:
            raise PoisonError("an event that is no event") from error
    return days


def put(day: str, lines: Iterable[bytes], kind: str = EVENTS) -> str:
    """Store the lines as one object, each once; return its key."""
    # Sorted here, and gzip without a time below: a batch delivered again gives the same name and bytes.
    content = b"\n".join(sorted(set(lines))) + b"\n"
    key = f"{_folder(kind, day)}{sha256(content).hexdigest()}{SUFFIX}"
    with translated():
        client.s3().put_object(
            Bucket=settings.archive_bucket(),
            Key=key,
            Body=gzip.compress(content, mtime=0),
            ContentType="application/gzip",
        )
    return key


def keys(day: str, kind: str = EVENTS) -> Iterator[str]:
    """Yield the keys of the day's objects."""
    yield from (item["Key"] for page in _pages(day, kind) for item in page)


def listed(day: str, kind: str, most: int) -> tuple[list[Listed], bool]:
    """Return the day's objects, up to the page with the `most`th, and whether these are all.

    S3 lists by key, and the keys are hashes: the objects left out are random ones, not the newest.
    """
    found: list[Listed] = []
    for page in _pages(day, kind):
        if len(found) >= most:
            return found, False
        found += [Listed(item["Key"], milliseconds(item["LastModified"]), item["Size"]) for item in page]
    return found, True


def read(key: str) -> Iterator[dict[str, Any]]:
    """Yield the lines of one object as they were written."""
    with translated():
        content = client.s3().get_object(Bucket=settings.archive_bucket(), Key=key)["Body"].read()
    for line in gzip.decompress(content).splitlines():
        yield json.loads(line)


def lines_if_there(key: str) -> Iterator[bytes]:
    """Yield the lines of an object as they were written; none when it was deleted since it was listed."""
    with translated():
        try:
            content = client.s3().get_object(Bucket=settings.archive_bucket(), Key=key)["Body"].read()
        except ClientError as error:
            if error_code(error) == "NoSuchKey":
                return
            raise
    with gzip.open(BytesIO(content)) as lines:
        yield from (line.rstrip(b"\n") for line in lines)


def stored_days(kind: str) -> list[str]:
    """Return the days that have objects, overwritten versions included."""
    days: set[str] = set()
    for page in _versions(f"{kind}/date=", delimiter="/"):
        days |= {folder["Prefix"].split("=")[1].rstrip("/") for folder in page.get("CommonPrefixes", [])}
    return sorted(days)


def copies(day: str, kind: str) -> dict[str, list[Copy]]:
    """Return the copies of each of the day's objects: its versions, grouped by equal content."""
    copies_by_tag: dict[str, dict[str, Copy]] = {}
    for page in _versions(_folder(kind, day)):
        for version in page.get("Versions", []):
            by_tag = copies_by_tag.setdefault(version["Key"], {})
            before = by_tag.get(version["ETag"], Copy((), is_current=False))
            versions = (*before.versions, version["VersionId"])
            by_tag[version["ETag"]] = Copy(versions, before.is_current or version["IsLatest"])
    return {key: list(by_tag.values()) for key, by_tag in copies_by_tag.items()}


def lines_of(key: str, copy: Copy) -> list[bytes]:
    """Return the lines of a copy as they were written."""
    with translated():
        answer = client.s3().get_object(Bucket=settings.archive_bucket(), Key=key, VersionId=copy.versions[0])
        content = answer["Body"].read()
    return gzip.decompress(content).splitlines()


def delete(key: str, copy: Copy) -> None:
    """Delete a copy for good."""
    for version in copy.versions:
        with translated():
            client.s3().delete_object(Bucket=settings.archive_bucket(), Key=key, VersionId=version)


def _pages(day: str, kind: str) -> Iterator[list[dict[str, Any]]]:
    start: dict[str, str] = {}
    while True:
        with translated():
            answer = client.s3().list_objects_v2(
                Bucket=settings.archive_bucket(),
                Prefix=_folder(kind, day),
                **start,  # type: ignore[arg-type]
            )
        yield [dict(item) for item in answer.get("Contents", [])]
        if "NextContinuationToken" not in answer:
            return
        start = {"ContinuationToken": answer["NextContinuationToken"]}


def _versions(prefix: str, delimiter: str = "") -> Iterator[dict[str, Any]]:
    start: dict[str, Any] = {"Delimiter": delimiter} if delimiter else {}
    while True:
        with translated():
            answer = client.s3().list_object_versions(
                Bucket=settings.archive_bucket(), Prefix=prefix, **start
            )
        yield dict(answer)
        if not answer.get("IsTruncated"):
            return
        start |= {"KeyMarker": answer["NextKeyMarker"]}
        if "NextVersionIdMarker" in answer:
            start |= {"VersionIdMarker": answer["NextVersionIdMarker"]}


def _folder(kind: str, day: str) -> str:
    return f"{kind}/date={day}/"


def _row(line: Event | Exposure) -> bytes:
    times = {"timestamp": rfc3339(line.at), "received_at": rfc3339(line.received)}
    if isinstance(line, Exposure):
        user = {"experiment_id": line.experiment_id, "user_id": line.user_id, "variant": line.variant}
        return _line(user | times, "context", line.context)
    event = {"event_id": line.event_id, "user_id": line.user_id, "type": line.type}
    return _line(event | times | {"value": in_units(line.value)}, "properties", line.properties)


def _line(row: Mapping[str, str | float], name: str, last: str) -> bytes:
    # The last field is inserted as text: parsed and written again, a long number would lose digits.
    text = json.dumps(row, ensure_ascii=False, separators=(",", ":"))
    return f'{text[:-1]},"{name}":{_object(last)}}}'.encode()


def _object(text: str) -> str:
    """Return the JSON text of an object, on one line; ValueError when it is not an object."""
    if not isinstance(json.loads(text, parse_constant=_refuse), dict):
        raise ValueError("not an object")  # noqa: TRY004 - what rows() expects of a bad event
    return text.replace("\r", " ").replace("\n", " ")


def _refuse(constant: str) -> object:
    raise ValueError(f"{constant} is not JSON")
