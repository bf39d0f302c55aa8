"""The first attempt of a DynamoDB call against a server that answers, refuses, hangs up or keeps silent."""

import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import trustme
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError, SSLError

from experimentation.storage.aws import client, first_attempt
from experimentation.storage.aws.client import ATTEMPTS
from experimentation.storage.aws.failures import cancellation_reasons

KEY = {"PK": {"S": "USER#u"}, "SK": {"S": "HEAD"}}
BUSY = {"__type": "com.amazonaws.dynamodb.v20120810#ThrottlingException", "message": "slow down"}
READ_SECONDS = 0.5


class Server:
    """Answers DynamoDB's requests: each with the next of `answers`, then with the key that was asked for.

    An answer is (status, body), "close" (none, and the connection ends), "silence" (none, and it stays), or
    "idle close" (a good answer, and the connection ends without a word).
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.answers: list[Any] = []
        self.requests: list[dict[str, str]] = []
        self.bodies: list[bytes] = []
        self.connections = 0
        self.tls = tls
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=32)
        self.port = self.listener.getsockname()[1]
        self.ended = threading.Event()
        self.threads = [threading.Thread(target=self._accept)]
        self.threads[0].start()

    def stop(self) -> None:
        self.ended.set()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for thread in self.threads:
            thread.join()

    def _accept(self) -> None:
        while True:
            try:
                accepted, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            self.threads.append(threading.Thread(target=self._serve, args=(accepted,)))
            self.threads[-1].start()

    def _serve(self, accepted: socket.socket) -> None:
        try:
            with self.tls.wrap_socket(accepted, server_side=True) if self.tls else accepted as connection:
                connection.settimeout(0.05)
                while self._answer(connection):
                    pass
        except OSError:  # the client has gone: that is what some tests are about
            accepted.close()

    def _answer(self, connection: socket.socket) -> bool:
        headers, body = self._request(connection)
        if not headers:
            return False
        self.requests.append(headers)
        self.bodies.append(body)
        answer = self.answers.pop(0) if self.answers else None
        if answer == "silence":
            self.ended.wait()
        if answer in ("close", "silence"):
            return False
        status, said = answer if isinstance(answer, tuple) else (200, _item(body))
        sent = said if isinstance(said, bytes) else json.dumps(said).encode()
        connection.sendall(b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%b" % (status, len(sent), sent))
        return answer != "idle close"

    def _request(self, connection: socket.socket) -> tuple[dict[str, str], bytes]:
        received = b""
        while not self.ended.is_set():
            head, end, body = received.partition(b"\r\n\r\n")
            lines = head.decode().split("\r\n")[1:]
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
            if end and len(body) == int(headers["content-length"]):
                return headers, body
            try:
                more = connection.recv(65536)
            except TimeoutError:
                continue
            if not more:
                break
            received += more
        return {}, b""


def _item(body: bytes) -> dict[str, Any]:
    return {"Item": json.loads(body).get("Key", {})}


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.stop()


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What was waited for before a second attempt, in seconds; it takes no time."""
    found: list[float] = []
    monkeypatch.setattr(first_attempt.time, "sleep", found.append)
    return found


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch, waits: list[float]) -> Iterator[Callable[[str], Any]]:
    """Makes the DynamoDB client of an environment whose DynamoDB is at a URL."""

    def make(url: str) -> Any:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        return client.dynamodb()

    for name, value in {
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_SESSION_TOKEN": "token",
        "AWS_LAMBDA_FUNCTION_NAME": "function",
        "_X_AMZN_TRACE_ID": "Root=1-5759e988-bd862e3fe1be46a994272793",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(client, "getproxies", lambda: {"no": "localhost"})
    monkeypatch.setattr(client, "READ_TIMEOUT_SECONDS", READ_SECONDS)
    client.reset()
    yield make
    client.reset()


@pytest.fixture
def dynamodb(made: Callable[[str], Any], server: Server) -> Any:
    return made(f"http://127.0.0.1:{server.port}")


def get(dynamodb: Any, user: str = "u") -> Any:
    return dynamodb.get_item(TableName="t", Key=KEY | {"PK": {"S": user}})


def signature(server: Server, service: str) -> str:
    """Return what AWS would compute of the bytes of the first request."""
    sent = server.requests[0]
    signed = sent["authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
    auth = SigV4Auth(Credentials("AKIDEXAMPLE", "secret"), service, "us-east-1")
    request = AWSRequest("POST", "http://server/", {name: sent[name] for name in signed}, server.bodies[0])
    request.context["timestamp"] = sent["x-amz-date"]
    text: str = auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request)
    return text


def test_calls_are_signed_and_share_a_connection(dynamodb: Any, server: Server) -> None:
    answers = [get(dynamodb, f"u{i}") for i in range(3)]

    assert [answer["Item"]["PK"]["S"] for answer in answers] == ["u0", "u1", "u2"]
    assert answers[0]["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert (server.connections, len(server.requests)) == (1, 3)
    sent = server.requests[0]
    assert sent["host"] == f"127.0.0.1:{server.port}"
    assert sent["x-amz-target"] == "DynamoDB_20120810.GetItem"
    assert sent["x-amz-security-token"] == "token"
    assert sent["x-amzn-trace-id"].startswith("Root=1-5759e988")
    assert sent["user-agent"].startswith("experimentation botocore/")
    assert sent["authorization"].endswith(signature(server, "dynamodb"))


def test_forms_and_xml_go_the_same_way(dynamodb: Any, server: Server) -> None:
    said = b"<PublishResponse><PublishResult><MessageId>m-1</MessageId></PublishResult></PublishResponse>"
    server.answers = [(200, said)]

    answer = client.sns().publish(TopicArn="arn:aws:sns:us-east-1:123456789012:events", Message="ü=&")

    assert answer["MessageId"] == "m-1"
    (sent,) = server.requests
    assert sent["content-type"].startswith("application/x-www-form-urlencoded")
    assert b"Message=%C3%BC%3D%26" in server.bodies[0]
    assert "amz-sdk-request" not in sent
    assert sent["authorization"].endswith(signature(server, "sns"))


def test_a_connection_that_was_closed_while_idle_is_opened_anew(dynamodb: Any, server: Server) -> None:
    server.answers = ["idle close"]
    get(dynamodb)
    server.threads[1].join()

    assert get(dynamodb)["Item"] == KEY | {"PK": {"S": "u"}}

    assert (server.connections, len(server.requests)) == (2, 2)


def test_a_connection_that_was_idle_for_long_is_not_trusted(
    dynamodb: Any, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DynamoDB is reported to end connections after 90 s, and a NAT forgets them without a word."""
    get(dynamodb)
    later = time.time() + 60
    monkeypatch.setattr(first_attempt.time, "time", lambda: later)

    assert get(dynamodb)["Item"]

    assert (server.connections, len(server.requests)) == (2, 2)


def test_a_kept_connection_that_fails_is_tried_again_on_a_fresh_one(dynamodb: Any, server: Server) -> None:
    get(dynamodb)
    server.answers = ["close"]

    assert get(dynamodb)["Item"]

    assert (server.connections, len(server.requests)) == (2, 3)
    assert "amz-sdk-request" not in server.requests[-1]  # botocore, and its own TLS context, were not needed
    assert server.bodies[1] == server.bodies[2]


def test_a_kept_connection_that_is_silent_leaves_the_rest_to_botocore(dynamodb: Any, server: Server) -> None:
    get(dynamodb)
    server.answers = ["silence", "silence", "silence"]
    started = time.monotonic()

    with pytest.raises(ReadTimeoutError):
        get(dynamodb)

    assert len(server.requests) == 1 + ATTEMPTS
    assert time.monotonic() - started < ATTEMPTS * (READ_SECONDS + 0.5)


@pytest.mark.parametrize("trouble", ["close", (500, {"__type": "InternalServerError"}), (400, BUSY)], ids=str)
def test_what_passes_by_itself_is_sent_again_by_botocore(
    dynamodb: Any, server: Server, waits: list[float], trouble: object
) -> None:
    server.answers = [trouble]

    assert get(dynamodb)["Item"]

    first, second = server.requests
    assert "amz-sdk-request" in second  # botocore's own sending says which attempt it is
    assert "amz-sdk-request" not in first
    assert len(waits) == (trouble != "close")
    assert all(0 <= seconds <= 1 for seconds in waits)


def test_silence_is_given_up_and_asked_again(dynamodb: Any, server: Server) -> None:
    server.answers = ["silence"]

    assert get(dynamodb)["Item"]

    assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("trouble", "error"),
    [
        ("close", ConnectionClosedError),
        ("silence", ReadTimeoutError),
        ((503, {}), ClientError),
        ((400, BUSY), ClientError),
    ],
    ids=str,
)
def test_there_are_as_many_attempts_as_botocore_would_make(
    dynamodb: Any, server: Server, trouble: object, error: type[Exception]
) -> None:
    server.answers = [trouble] * 9

    with pytest.raises(error):
        get(dynamodb)

    assert len(server.requests) == ATTEMPTS


def test_a_condition_that_does_not_hold_is_asked_once(dynamodb: Any, server: Server) -> None:
    failed = "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException"
    server.answers = [(400, {"__type": failed, "message": "no", "Item": {"v": {"N": "1"}}})]

    with pytest.raises(dynamodb.exceptions.ConditionalCheckFailedException) as refused:
        dynamodb.put_item(TableName="t", Item=KEY, ConditionExpression="attribute_not_exists(PK)")

    assert refused.value.response["Item"] == {"v": {"N": "1"}}
    assert len(server.requests) == 1


def test_a_cancelled_transaction_says_which_part_failed(dynamodb: Any, server: Server) -> None:
    cancelled = "com.amazonaws.dynamodb.v20120810#TransactionCanceledException"
    reasons = [{"Code": "None"}, {"Code": "ConditionalCheckFailed", "Message": "no"}]
    server.answers = [(400, {"__type": cancelled, "Message": "no", "CancellationReasons": reasons})]

    with pytest.raises(dynamodb.exceptions.TransactionCanceledException) as refused:
        dynamodb.transact_write_items(
            TransactItems=[{"Put": {"TableName": name, "Item": KEY}} for name in ("t", "u")]
        )

    assert cancellation_reasons(refused.value) == ["None", "ConditionalCheckFailed"]
    assert len(server.requests) == 1


def test_threads_get_their_own_answers(dynamodb: Any, server: Server) -> None:
    def ask(i: int) -> str:
        user: str = get(dynamodb, f"u{i}")["Item"]["PK"]["S"]
        return user

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(ask, range(200))) == [f"u{i}" for i in range(200)]

    assert server.connections <= 8


def test_certificates_are_checked(made: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    authority = trustme.CA()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    server = Server(tls)
    url = f"https://127.0.0.1:{server.port}"
    try:
        with pytest.raises(SSLError):
            get(made(url))
        assert server.requests == []

        client.reset()
        with authority.cert_pem.tempfile() as trusted:
            monkeypatch.setenv("AWS_CA_BUNDLE", trusted)
            dynamodb = made(url)
            assert get(dynamodb)["Item"] == get(dynamodb)["Item"]
        assert "amz-sdk-request" not in server.requests[-1]
    finally:
        server.stop()


def test_botocore_sends_alone_where_there_is_a_proxy(
    made: Callable[[str], Any], server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "getproxies", lambda: {"https": "http://proxy.invalid"})
    server.answers = ["close"]

    assert get(made(f"http://127.0.0.1:{server.port}"))["Item"]

    assert ["amz-sdk-request" in request for request in server.requests] == [True, True]
