"""The clients that the product gets instead of boto3's: every call is a wait, and may go wrong."""

from collections.abc import Callable
from itertools import count
from typing import Any

from botocore.exceptions import EndpointConnectionError, ReadTimeoutError

from experimentation.storage.aws.client import ATTEMPTS, READ_TIMEOUT_SECONDS
from tests.aws_limits.requests import violations
from tests.simulation.expressions import NotModelledError
from tests.simulation.faults import Faults, client_error
from tests.simulation.queue import Queue
from tests.simulation.schedule import Schedule
from tests.simulation.table import Answer, Table, key_of

TIMEOUT_MS = READ_TIMEOUT_SECONDS * 1000
LATEST_MS = 8_000  # a request that was given up may still be done so long after it was sent
TRANSIENT = {"ProvisionedThroughputExceededException", "TransactionInProgressException"}

type Server = Callable[[Answer], None]


class Wire:
    """Takes a request to a service and its answer back, through latency, losses and two attempts."""

    def __init__(self, schedule: Schedule, faults: Faults) -> None:
        self.schedule, self.faults = schedule, faults
        self.past_limits: list[str] = []

    def call(self, operation: str, request: dict[str, Any], server: Server) -> Any:
        """Let the current actor wait for the answer, and raise what botocore raises."""
        if past := violations(operation, request):
            self.past_limits += past
            raise client_error(operation, "ValidationException")
        for attempt in range(ATTEMPTS):
            outcome = self._attempt(operation, server)
            if not isinstance(outcome, BaseException):
                return outcome
            if attempt + 1 == ATTEMPTS or not _is_transient(outcome):
                raise outcome
            self.schedule.sleep(self.schedule.chance.random())
        raise AssertionError("unreachable")

    def _attempt(self, operation: str, server: Server) -> object:
        schedule, faults, chance = self.schedule, self.faults, self.schedule.chance
        actor = schedule.actor()
        turn, fate, way = actor.begin(), chance.random(), self._latency()
        schedule.note(operation)

        def answer(outcome: object) -> None:
            schedule.after(self._latency() / 2, lambda: actor.resume(turn, outcome))

        def nobody(_: object) -> None:
            pass

        def timed_out() -> None:
            actor.resume(turn, ReadTimeoutError(endpoint_url="simulated"))

        rates = (faults.throttled, faults.refused, faults.lost, faults.delayed)
        throttled, refused, lost, delayed = (sum(rates[: n + 1]) for n in range(4))
        if faults.outage or throttled <= fate < refused:
            error = EndpointConnectionError(endpoint_url="simulated")
            schedule.after(way, lambda: actor.resume(turn, error))
        elif fate < throttled:
            schedule.after(
                way, lambda: answer(client_error(operation, "ProvisionedThroughputExceededException"))
            )
        elif refused <= fate < lost:
            schedule.after(way, lambda: server(nobody))
            schedule.after(TIMEOUT_MS, timed_out)
        elif lost <= fate < delayed:
            schedule.after(chance.uniform(way, LATEST_MS), lambda: server(nobody))
            schedule.after(TIMEOUT_MS, timed_out)
        else:
            schedule.after(way, lambda: server(answer))
        return actor.wait()

    def _latency(self) -> float:
        chance = self.schedule.chance
        return chance.uniform(700, 1_400) if self.faults.slow else 0.5 + chance.expovariate(0.4)


class DynamoDB:
    """The operations that the product calls."""

    def __init__(self, wire: Wire, table: Table) -> None:
        self._wire, self._table, self._tokens = wire, table, count(1)

    def get_item(self, **request: Any) -> Any:
        """Read one item."""
        stale = self._wire.faults.stale
        return self._wire.call("GetItem", request, lambda answer: answer(self._table.get(request, stale)))

    def query(self, **request: Any) -> Any:
        """Read a page of a partition."""
        stale = self._wire.faults.stale
        return self._wire.call("Query", request, lambda answer: answer(self._table.query(request, stale)))

    def batch_get_item(self, **request: Any) -> Any:
        """Read up to 100 items, some earlier than others, and perhaps not all of them."""
        ((name, wanted),) = request["RequestItems"].items()
        keys, chance = wanted["Keys"], self._wire.schedule.chance
        if not wanted.get("ConsistentRead"):
            raise NotModelledError("an eventually consistent BatchGetItem")

        def server(answer: Answer) -> None:
            ordered = sorted(keys, key=key_of)
            chance.shuffle(ordered)
            left = [key for key in ordered if chance.random() < self._wire.faults.unprocessed]
            now = [key for key in ordered if key not in left]
            found: list[Any] = []

            def read(some: list[Any], last: bool) -> None:
                items = (self._table.read(key_of(key)) for key in some)
                found.extend(item for item in items if item is not None)
                if last:
                    rest = {name: {"Keys": left, "ConsistentRead": True}} if left else {}
                    answer({"Responses": {name: found}, "UnprocessedKeys": rest})

            cut = chance.randint(0, len(now))
            read(now[:cut], last=False)
            self._wire.schedule.after(chance.uniform(0, 6), lambda: read(now[cut:], last=True))

        return self._wire.call("BatchGetItem", request, server)

    def transact_write_items(self, **request: Any) -> Any:
        """Write all or none; both attempts of one call carry the same token, as botocore's do."""
        token = next(self._tokens)
        if request.keys() != {"TransactItems"}:
            raise NotModelledError(str(request.keys()))

        def server(answer: Answer) -> None:
            self._table.transact(request, token, self._wire.faults.spurious, answer)

        return self._wire.call("TransactWriteItems", request, server)

    def update_item(self, **request: Any) -> Any:
        """Change one item."""
        return self._wire.call(
            "UpdateItem", request, lambda answer: answer(self._table.write("Update", request))
        )

    def put_item(self, **request: Any) -> Any:
        """Write one item."""
        return self._wire.call("PutItem", request, lambda answer: answer(self._table.write("Put", request)))

    def delete_item(self, **request: Any) -> Any:
        """Remove one item."""
        return self._wire.call(
            "DeleteItem", request, lambda answer: answer(self._table.write("Delete", request))
        )


class Topic:
    """SNS: what is accepted is delivered to the queue, some time, at least once."""

    def __init__(self, wire: Wire, deliver: Callable[[str], None]) -> None:
        self._wire, self._deliver = wire, deliver

    def publish(self, **request: Any) -> Any:
        """Accept one message."""
        if request.keys() != {"TopicArn", "Message"}:
            raise NotModelledError(str(request.keys()))
        message: str = request["Message"]

        def server(answer: Answer) -> None:
            self._wire.schedule.after(
                self._wire.schedule.chance.expovariate(0.1), lambda: self._deliver(message)
            )
            answer({"MessageId": "-"})

        return self._wire.call("Publish", request, server)


class Bus:
    """EventBridge: takes every event, and nobody listens."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def put_events(self, **request: Any) -> Any:
        """Accept some events."""
        taken = {"Entries": [{"EventId": "-"} for _ in request["Entries"]]}
        return self._wire.call("PutEvents", request, lambda answer: answer(taken))


class Queues:
    """SQS as the replay of dead letters uses it: a queue and its dead letters, by their names as URLs."""

    def __init__(self, wire: Wire, queue: Queue) -> None:
        self._wire, self._queue = wire, queue

    def get_queue_attributes(self, **request: Any) -> Any:
        """Say how many dead letters there are, taken ones not among them."""
        numbers = {
            "ApproximateNumberOfMessages": str(len(self._queue.dead)),
            "ApproximateNumberOfMessagesNotVisible": "0",
        }
        return self._wire.call("GetQueueAttributes", request, lambda answer: answer({"Attributes": numbers}))

    def receive_message(self, **request: Any) -> Any:
        """Take some dead letters; those that are not deleted in time come back."""
        if request["QueueUrl"] != "dead":
            raise NotModelledError(str(request))

        def server(answer: Answer) -> None:
            most, hidden = request["MaxNumberOfMessages"], request["VisibilityTimeout"]
            taken = self._queue.take_dead(most, hidden * 1000)
            attributes = {"ApproximateReceiveCount": "1", "SentTimestamp": "0"}
            answer(
                {
                    "Messages": [
                        {"MessageId": h, "ReceiptHandle": h, "Body": body, "Attributes": attributes}
                        for h, body in taken.items()
                    ]
                }
            )

        return self._wire.call("ReceiveMessage", request, server)

    def send_message_batch(self, **request: Any) -> Any:
        """Accept messages, and now and then not all of them."""
        if request["QueueUrl"] != "count":
            raise NotModelledError(str(request))

        def server(answer: Answer) -> None:
            accepted = [e for e in request["Entries"] if self._wire.schedule.chance.random() > 0.05]
            for entry in accepted:
                self._queue.send(entry["MessageBody"])
            answer({"Successful": [{"Id": entry["Id"]} for entry in accepted]})

        return self._wire.call("SendMessageBatch", request, server)

    def delete_message_batch(self, **request: Any) -> Any:
        """Forget dead letters."""

        def server(answer: Answer) -> None:
            for entry in request["Entries"]:
                self._queue.delete_dead(entry["ReceiptHandle"])
            answer({})

        return self._wire.call("DeleteMessageBatch", request, server)


def _is_transient(error: BaseException) -> bool:
    response = getattr(error, "response", None)
    return response is None or response["Error"]["Code"] in TRANSIENT
