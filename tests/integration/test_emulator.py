"""What we rely on in the emulator, checked over the wire: shows what an upgrade of it changes."""

import contextlib
import json
import os
import signal
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError

from experimentation.domain.counting.writes import MAX_COUNTERS
from experimentation.storage import rollups
from local.emulator import Emulator, EmulatorError
from local.resources import client
from tests.integration.conftest import Emulated

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("emulator")]
THREADS = 16


def key(name: str, sort: str = "x") -> dict[str, Any]:
    return {"PK": {"S": name}, "SK": {"S": sort}}


@pytest.fixture
def table(emulator: Emulated) -> str:
    return emulator.env["DATA_TABLE"]


@pytest.fixture
def dynamodb(emulator: Emulated) -> Any:
    client = emulator.client("dynamodb")
    assert client.exceptions  # made when first asked for, by each of several threads its own
    return client


@pytest.fixture
def partition() -> str:
    return f"TEST#{uuid.uuid4()}"


def together(work: Callable[[int], Any]) -> list[Any]:
    """Run `work` in all threads at the same moment."""
    barrier = threading.Barrier(THREADS)

    def one(i: int) -> Any:
        barrier.wait()
        return work(i)

    with ThreadPoolExecutor(THREADS) as threads:
        return list(threads.map(one, range(THREADS)))


@pytest.mark.parametrize("header", ["Origin", "Sec-Fetch-Site"])
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_a_web_page_that_finds_the_port_reads_nothing(emulator: Emulated, header: str, method: str) -> None:
    target = {"X-Amz-Target": "secretsmanager.ListSecrets", "Content-Type": "application/x-amz-json-1.1"}

    answer = httpx.request(method, emulator.endpoint, headers={**target, header: "null"}, content="{}")

    assert (answer.status_code, "access-control-allow-origin" in answer.headers) == (403, False)


def test_a_browser_that_follows_a_signed_address_gets_the_object(emulator: Emulated) -> None:
    s3, place = emulator.client("s3"), {"Bucket": emulator.env["ARCHIVE_BUCKET"], "Key": "exports/e/1/e.csv"}
    s3.put_object(**place, Body=b"user_id", ContentDisposition='attachment; filename="e.csv"')
    url = s3.generate_presigned_url("get_object", Params=place, ExpiresIn=60)
    site = {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Dest": "document"}

    followed = httpx.get(url, headers=site | {"Sec-Fetch-Mode": "navigate"})
    read = httpx.get(url, headers=site | {"Sec-Fetch-Mode": "cors"})
    unsigned = httpx.get(url.partition("?")[0], headers=site | {"Sec-Fetch-Mode": "navigate"})

    assert (followed.status_code, followed.content) == (200, b"user_id")
    assert followed.headers["content-disposition"] == 'attachment; filename="e.csv"'
    assert (read.status_code, unsigned.status_code) == (403, 403)


def test_one_of_sixteen_conditional_puts_wins(dynamodb: Any, table: str, partition: str) -> None:
    def put(i: int) -> bool:
        try:
            dynamodb.put_item(
                TableName=table,
                Item={**key(partition), "i": {"N": str(i)}},
                ConditionExpression="attribute_not_exists(PK)",
            )
        except dynamodb.exceptions.ConditionalCheckFailedException:
            return False
        return True

    won = together(put)

    assert won.count(True) == 1
    stored = dynamodb.get_item(TableName=table, Key=key(partition), ConsistentRead=True)["Item"]
    assert stored["i"] == {"N": str(won.index(True))}


def test_no_increment_of_sixteen_threads_is_lost(dynamodb: Any, table: str, partition: str) -> None:
    def add(_: int) -> None:
        for _ in range(5):
            dynamodb.update_item(
                TableName=table,
                Key=key(partition),
                UpdateExpression="ADD n :one",
                ExpressionAttributeValues={":one": {"N": "1"}},
            )

    together(add)

    assert dynamodb.get_item(TableName=table, Key=key(partition))["Item"]["n"] == {"N": "80"}


def test_numbers_keep_38_digits(dynamodb: Any, table: str, partition: str) -> None:
    digits = "12345678901234567890123456789012345678"

    dynamodb.put_item(TableName=table, Item={**key(partition), "n": {"N": digits}})

    assert dynamodb.get_item(TableName=table, Key=key(partition))["Item"]["n"] == {"N": digits}


def test_additions_keep_38_digits(dynamodb: Any, table: str, partition: str) -> None:
    digits = 10**38 - 2
    add = {
        "TableName": table,
        "UpdateExpression": "ADD n :n",
    }
    for key_, amount in (("one", digits), ("one", 1), ("two", digits), ("two", -1)):
        values = {":n": {"N": str(amount)}}
        dynamodb.update_item(**add, Key=key(partition, key_), ExpressionAttributeValues=values)
    action = {**add, "Key": key(partition, "one"), "ExpressionAttributeValues": {":n": {"N": str(-digits)}}}
    dynamodb.transact_write_items(TransactItems=[{"Update": action}])

    found = [
        dynamodb.get_item(TableName=table, Key=key(partition, name))["Item"]["n"] for name in ("one", "two")
    ]

    assert found == [{"N": "1"}, {"N": str(digits - 1)}]


def test_an_item_takes_as_many_counters_at_once_as_one_of_a_rollup(dynamodb: Any, partition: str) -> None:
    counters = {f"q{day}": day for day in range(MAX_COUNTERS)}

    dynamodb.transact_write_items(TransactItems=[rollups.add(partition, "x", counters, 0)])

    (cell,) = rollups.read(partition)
    assert cell.counters == counters


def test_a_condition_that_fails_returns_the_item_when_asked(
    dynamodb: Any, table: str, partition: str
) -> None:
    dynamodb.put_item(TableName=table, Item={**key(partition), "v": {"N": "1"}})

    with pytest.raises(ClientError) as refused:
        dynamodb.put_item(
            TableName=table,
            Item=key(partition),
            ConditionExpression="attribute_not_exists(PK)",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )

    assert refused.value.response["Item"]["v"] == {"N": "1"}


def test_a_transaction_is_all_or_nothing_and_says_which_part_failed(
    dynamodb: Any, table: str, partition: str
) -> None:
    dynamodb.put_item(TableName=table, Item={**key(partition, "there"), "v": {"N": "1"}})
    put = {"TableName": table, "ConditionExpression": "attribute_not_exists(PK)"}

    with pytest.raises(ClientError) as cancelled:
        dynamodb.transact_write_items(
            TransactItems=[
                {"Put": {**put, "Item": key(partition, "new")}},
                {
                    "Put": {
                        **put,
                        "Item": key(partition, "there"),
                        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
                    }
                },
            ]
        )

    assert cancelled.value.response["Error"]["Code"] == "TransactionCanceledException"
    reasons = cancelled.value.response["CancellationReasons"]
    assert [reason["Code"] for reason in reasons] == ["None", "ConditionalCheckFailed"]
    assert reasons[1]["Item"]["v"] == {"N": "1"}
    assert "Item" not in dynamodb.get_item(TableName=table, Key=key(partition, "new"))


def test_transactions_on_one_version_are_serial(dynamodb: Any, table: str, partition: str) -> None:
    def bump(_: int) -> None:
        while True:
            item = dynamodb.get_item(TableName=table, Key=key(partition, "head"), ConsistentRead=True).get(
                "Item"
            )
            read = int(item["v"]["N"]) if item else 0
            condition = "v = :read" if item else "attribute_not_exists(v)"
            values = {":next": {"N": str(read + 1)}} | ({":read": {"N": str(read)}} if item else {})
            head = {
                "TableName": table,
                "Key": key(partition, "head"),
                "UpdateExpression": "SET v = :next",
                "ConditionExpression": condition,
                "ExpressionAttributeValues": values,
            }
            total = {
                "TableName": table,
                "Key": key(partition, "total"),
                "UpdateExpression": "ADD n :one",
                "ExpressionAttributeValues": {":one": {"N": "1"}},
            }
            with contextlib.suppress(dynamodb.exceptions.TransactionCanceledException):
                dynamodb.transact_write_items(TransactItems=[{"Update": head}, {"Update": total}])
                return

    together(bump)

    head = dynamodb.get_item(TableName=table, Key=key(partition, "head"))["Item"]
    total = dynamodb.get_item(TableName=table, Key=key(partition, "total"))["Item"]
    assert (head["v"], total["n"]) == ({"N": str(THREADS)}, {"N": str(THREADS)})


def test_a_batch_get_returns_what_is_there(dynamodb: Any, table: str, partition: str) -> None:
    for i in range(3):
        dynamodb.put_item(TableName=table, Item=key(partition, str(i)))

    answer = dynamodb.batch_get_item(
        RequestItems={table: {"Keys": [key(partition, str(i)) for i in range(100)], "ConsistentRead": True}}
    )

    assert sorted(item["SK"]["S"] for item in answer["Responses"][table]) == ["0", "1", "2"]
    assert answer["UnprocessedKeys"] == {}


def test_a_query_pages_through_a_partition_in_order(dynamodb: Any, table: str, partition: str) -> None:
    for i in range(25):
        dynamodb.put_item(TableName=table, Item=key(partition, f"{i:02}"))
    query = {
        "TableName": table,
        "KeyConditionExpression": "PK = :p AND SK < :end",
        "ExpressionAttributeValues": {":p": {"S": partition}, ":end": {"S": "23"}},
        "ScanIndexForward": False,
        "Limit": 10,
    }
    pages, start = [], {}

    while True:
        page = dynamodb.query(**query, **start)
        pages.append([item["SK"]["S"] for item in page["Items"]])
        if "LastEvaluatedKey" not in page:
            break
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    assert [len(page) for page in pages] == [10, 10, 3]
    assert [name for page in pages for name in page] == [f"{i:02}" for i in reversed(range(23))]


def test_the_tables_are_as_the_template_says(dynamodb: Any, emulator: Emulated) -> None:
    for name in ("DATA_TABLE", "ACCOUNTS_TABLE"):
        table = dynamodb.describe_table(TableName=emulator.env[name])["Table"]
        expiry = dynamodb.describe_time_to_live(TableName=emulator.env[name])["TimeToLiveDescription"]

        assert [part["AttributeName"] for part in table["KeySchema"]] == ["PK", "SK"]
        assert expiry == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires_at"}


def drained(sqs: Any, url: str, body: str, seconds: float = 10) -> dict[str, Any]:
    """Receive until the message with this body comes; others are taken away."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        answer = sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1, MessageSystemAttributeNames=["All"]
        )
        for message in answer.get("Messages", []):
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            if message["Body"] == body:
                found: dict[str, Any] = message
                return found
    raise AssertionError(f"{body} did not come")


def test_the_topic_delivers_raw_to_both_queues(emulator: Emulated) -> None:
    body = json.dumps({"event": str(uuid.uuid4())})

    emulator.client("sns").publish(TopicArn=emulator.env["EVENTS_TOPIC_ARN"], Message=body)

    sqs = emulator.client("sqs")
    for queue in ("COUNT_QUEUE_URL", "ARCHIVE_QUEUE_URL"):
        message = drained(sqs, emulator.env[queue], body)
        assert message["Attributes"]["ApproximateReceiveCount"] == "1"


def own_queue(sqs: Any, **attributes: str) -> str:
    """Make a queue that holds nothing of other tests; return its URL."""
    url: str = sqs.create_queue(QueueName=str(uuid.uuid4()), Attributes=attributes)["QueueUrl"]
    return url


def test_a_message_that_keeps_failing_goes_to_the_dead_letter_queue(emulator: Emulated) -> None:
    sqs, body = emulator.client("sqs"), str(uuid.uuid4())
    dead = own_queue(sqs)
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    url = own_queue(sqs, RedrivePolicy=json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 5}))
    sqs.send_message(QueueUrl=url, MessageBody=body)

    received = [
        len(sqs.receive_message(QueueUrl=url, VisibilityTimeout=0, WaitTimeSeconds=0).get("Messages", []))
        for _ in range(6)
    ]

    assert received == [1, 1, 1, 1, 1, 0]
    assert drained(sqs, dead, body)["Body"] == body


def test_a_message_not_deleted_comes_back_after_its_visibility(emulator: Emulated) -> None:
    sqs, body = emulator.client("sqs"), str(uuid.uuid4())
    url = own_queue(sqs)
    sqs.send_message(QueueUrl=url, MessageBody=body)
    first = sqs.receive_message(QueueUrl=url, VisibilityTimeout=3)["Messages"]

    hidden = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=0).get("Messages", [])

    again = drained(sqs, url, body)
    assert hidden == []
    assert again["MessageId"] == first[0]["MessageId"]


def test_a_batch_of_deletions_takes_only_what_it_names(emulator: Emulated) -> None:
    sqs, bodies = emulator.client("sqs"), sorted(str(uuid.uuid4()) for _ in range(3))
    url = own_queue(sqs)
    entries = [{"Id": str(i), "MessageBody": body} for i, body in enumerate(bodies)]
    sqs.send_message_batch(QueueUrl=url, Entries=entries)
    messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=1)["Messages"]
    kept = messages.pop()

    answer = sqs.delete_message_batch(
        QueueUrl=url,
        Entries=[{"Id": m["MessageId"], "ReceiptHandle": m["ReceiptHandle"]} for m in messages],
    )

    assert len(answer["Successful"]) == 2
    assert drained(sqs, url, kept["Body"])["MessageId"] == kept["MessageId"]


def test_the_bucket_keeps_bytes(emulator: Emulated) -> None:
    s3, bucket = emulator.client("s3"), emulator.env["ARCHIVE_BUCKET"]

    s3.put_object(Bucket=bucket, Key="events/date=2026-11-22/a.ndjson.gz", Body=b"\x1f\x8b\x00")

    stored = s3.get_object(Bucket=bucket, Key="events/date=2026-11-22/a.ndjson.gz")
    assert stored["Body"].read() == b"\x1f\x8b\x00"


def test_the_secrets_are_generated(emulator: Emulated) -> None:
    secrets = emulator.client("secretsmanager")

    signing = secrets.get_secret_value(SecretId=emulator.env["SIGNING_SECRET_ARN"])["SecretString"]
    admin = secrets.get_secret_value(SecretId=emulator.env["ADMIN_SECRET_ARN"])["SecretString"]

    assert len(signing) == 64
    assert "{" not in signing + admin  # it would be read as JSON
    assert admin != signing


def fill(running: Emulator) -> None:
    """Leave something in the queues, the buckets and the tables."""
    queue = client("sqs", running.endpoint).create_queue(QueueName="q")["QueueUrl"]
    client("sqs", running.endpoint).send_message(QueueUrl=queue, MessageBody="kept")
    topic = client("sns", running.endpoint).create_topic(Name="t")["TopicArn"]
    client("sns", running.endpoint).subscribe(
        TopicArn=topic,
        Protocol="sqs",
        Endpoint="arn:aws:sqs:us-east-1:000000000000:q",
        Attributes={"RawMessageDelivery": "true"},
    )
    client("s3", running.endpoint).create_bucket(Bucket="bucket")
    client("s3", running.endpoint).put_object(Bucket="bucket", Key="k", Body=b"kept")
    client("dynamodb", running.endpoint).create_table(
        TableName="table",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "PK", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "PK", "KeyType": "HASH"}],
    )
    put(running, "kept")


def put(running: Emulator, name: str) -> None:
    client("dynamodb", running.endpoint).put_item(TableName="table", Item={"PK": {"S": name}})


def names(running: Emulator) -> set[str]:
    """The keys of what is in the table."""
    found = client("dynamodb", running.endpoint).scan(TableName="table")["Items"]
    return {item["PK"]["S"] for item in found}


def assert_filled(running: Emulator) -> None:
    """All that `fill` left is there, and the topic still delivers to the queue."""
    body = client("s3", running.endpoint).get_object(Bucket="bucket", Key="k")["Body"].read()
    sqs, sns = client("sqs", running.endpoint), client("sns", running.endpoint)
    url = sqs.get_queue_url(QueueName="q")["QueueUrl"]
    assert drained(sqs, url, "kept")["Body"] == "kept"
    sns.publish(TopicArn=sns.list_topics()["Topics"][0]["TopicArn"], Message="delivered")
    assert drained(sqs, url, "delivered")["Body"] == "delivered"
    assert (names(running), body) == ({"kept"}, b"kept")


def started(folder: Path) -> Emulator:
    emulator = Emulator(folder)
    emulator.start()
    emulator.wait()
    return emulator


def killed(running: Emulator) -> None:
    os.kill(running.process_id, signal.SIGKILL)
    waited_for(lambda: not running.alive())
    running.stop()


def children(process_id: int) -> list[int]:
    """The processes that this one has forked and not yet waited for."""
    tasks = Path(f"/proc/{process_id}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]


def waited_for(condition: Callable[[], Any]) -> Any:
    """Return what `condition` says as soon as it says something."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.02)
    raise AssertionError("nothing within 10 s")


def test_everything_is_still_there_after_a_stop_and_a_start(tmp_path: Path) -> None:
    first = started(tmp_path)
    fill(first)

    first.stop()
    second = started(tmp_path)

    assert_filled(second)
    second.stop()


@pytest.mark.heavy
def test_what_is_ten_seconds_old_is_still_there_after_a_kill(tmp_path: Path) -> None:
    first = started(tmp_path)
    fill(first)
    time.sleep(10)

    killed(first)
    second = started(tmp_path)

    assert_filled(second)
    second.stop()


def test_nothing_is_written_while_nothing_changes(tmp_path: Path) -> None:
    running = started(tmp_path)
    fill(running)
    running.checkpoint()
    before = (tmp_path / "state" / "checkpoint").stat().st_ino

    names(running)
    running.checkpoint()
    running.stop()

    assert (tmp_path / "state" / "checkpoint").stat().st_ino == before


def test_a_full_disk_is_said_and_the_next_checkpoint_has_everything(tmp_path: Path) -> None:
    running = started(tmp_path)
    fill(running)
    running.checkpoint()
    (tmp_path / "state" / "checkpoint.next").symlink_to("/dev/full")
    put(running, "more")

    with pytest.raises(EmulatorError, match="No space left on device"):
        running.checkpoint()

    assert "No space left on device" in running.failure()
    assert "No space left on device" in (tmp_path / "emulator.log").read_text()
    assert names(running) == {"kept", "more"}
    running.checkpoint()
    assert running.failure() == ""
    killed(running)
    again = started(tmp_path)
    assert names(again) == {"kept", "more"}
    again.stop()


def test_a_child_that_hangs_holds_nobody_up_and_is_replaced(tmp_path: Path) -> None:
    running = started(tmp_path)
    fill(running)
    running.checkpoint()
    os.mkfifo(tmp_path / "state" / "checkpoint.next")  # opening it waits for a reader
    put(running, "more")
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(running.checkpoint)
        (child,) = waited_for(lambda: children(running.process_id))
        threads.submit(running.checkpoint)  # now, or it could be the one that the first child writes for

        assert names(running) == {"kept", "more"}
        time.sleep(0.5)
        assert children(running.process_id) == [child]

        os.kill(child, signal.SIGALRM)  # its own deadline sends it
        with pytest.raises(EmulatorError, match="ended by signal 14"):
            first.result()
        (child,) = waited_for(lambda: [c for c in children(running.process_id) if c != child])
        (tmp_path / "state" / "checkpoint.next").unlink()
        os.kill(child, signal.SIGALRM)
    killed(running)
    assert (tmp_path / "state" / "checkpoint").exists()


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("checkpoint", '["sqs", 2, {}', "cannot be read"),
        ("checkpoint", '["sqs", 99, {}]', "written by a newer emulator"),
        ("dynamodb.json", "{}", "data of an earlier version"),
    ],
)
def test_data_that_cannot_be_read_is_refused_and_kept(
    tmp_path: Path, name: str, text: str, reason: str
) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / name).write_text(text)

    with pytest.raises(EmulatorError, match=f"{reason}.*RESET=1"):
        started(tmp_path)

    assert (tmp_path / "state" / name).read_text() == text
