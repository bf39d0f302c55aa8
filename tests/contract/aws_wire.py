"""Makes calls with storage's clients; tells what they sent and how they understood the answers.

Run as a program of its own, so that nothing but the path it is given can be imported. A list of `Exchange`s
comes in on stdin. A list of `Account`s, AWS's address of every call and the number of trusted certificates
go out on stdout. Both are pickled.
"""

import os
import pickle
import ssl
import sys
import threading
import time
import uuid
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

REGIONS = ("us-east-1", "eu-central-1", "us-gov-west-1", "cn-north-1")
VARYING = {"authorization", "date", "host", "server", "x-amz-date", "amz-sdk-invocation-id"}
# On a busy machine botocore may send a request twice
VARYING |= {"amz-sdk-request", "retryattempts", "maxattemptsreached"}


class Exchange(NamedTuple):
    """A call with its parameters, and the answer that the other side gives."""

    client: str
    operation: str
    parameters: dict[str, Any]
    status: int
    headers: dict[str, str]
    body: bytes
    pages: bool = False


class Account(NamedTuple):
    """The different requests that one call sent, what was understood of the answer, and the error's class."""

    requests: list[tuple[str, str, dict[str, str], bytes]]
    understood: Any
    error: str = ""


class _Responder(BaseHTTPRequestHandler):
    """Answers every request as the current exchange says."""

    protocol_version = "HTTP/1.1"
    exchange: Exchange
    requests: list[tuple[str, str, dict[str, str], bytes]]

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        sent = {name: value for name, value in headers.items() if name not in VARYING}
        request = self.command, self.path, sent, body
        if request not in self.requests:
            self.requests.append(request)
        self.send_response(self.exchange.status)
        for name, value in (self.exchange.headers | {"Content-Length": str(len(self.exchange.body))}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(self.exchange.body)

    do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = _answer  # noqa: N815 - the names that http.server calls

    def log_message(self, *_: object) -> None:
        pass


def _plain(value: Any) -> Any:
    """Return the value without what varies from call to call, and without botocore's own types."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items() if str(key).lower() not in VARYING}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if hasattr(value, "read"):
        return value.read()
    return value.isoformat() if isinstance(value, datetime) else value


def _account(client: Any, exchange: Exchange) -> Account:
    from botocore.exceptions import ClientError  # noqa: PLC0415 - comes from the path that is tried

    _Responder.exchange, _Responder.requests = exchange, []
    try:
        if exchange.pages:
            pages = client.get_paginator(exchange.operation).paginate(**exchange.parameters)
            understood = next(iter(pages))
        else:
            understood = getattr(client, exchange.operation)(**exchange.parameters)
    except ClientError as error:
        return Account(_Responder.requests, _plain(error.response), type(error).__name__)
    return Account(_Responder.requests, _plain(understood))


def _addresses(clients: Any, exchanges: list[Exchange]) -> dict[str, str]:
    """Return where each operation's call would go in AWS, by region, without sending it."""
    from botocore.awsrequest import AWSResponse  # noqa: PLC0415

    operations = {(each.client, each.operation): each.parameters for each in exchanges}
    found = {}
    for region in REGIONS:
        os.environ["AWS_DEFAULT_REGION"] = region
        clients.reset()
        for (name, operation), parameters in operations.items():
            client = getattr(clients, name)()

            def unsent(params: dict[str, Any], key: str = f"{region} {name}.{operation}", **_: Any) -> Any:
                found[key] = params["url"]
                return AWSResponse(params["url"], 200, {}, None), {}

            client.meta.events.register_first("before-call", unsent, unique_id="unsent")
            getattr(client, operation)(**parameters)
            client.meta.events.unregister("before-call", unique_id="unsent")
    return found


def main() -> None:
    """Make the calls."""
    exchanges = [Exchange(*each) for each in pickle.loads(sys.stdin.buffer.read())]
    from botocore.httpsession import get_cert_path  # noqa: PLC0415

    from experimentation.storage.aws import client as clients  # noqa: PLC0415

    time.sleep = lambda _: None  # the waits before a second attempt
    uuid.uuid4 = lambda: uuid.UUID(int=4)  # the tokens of transactions
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Responder)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    os.environ["AWS_ENDPOINT_URL"] = f"http://127.0.0.1:{server.server_port}"
    accounts = [_account(getattr(clients, each.client)(), each) for each in exchanges]
    del os.environ["AWS_ENDPOINT_URL"]
    addresses = _addresses(clients, exchanges)
    trusted = len(ssl.create_default_context(cafile=get_cert_path(True)).get_ca_certs())
    sys.stdout.buffer.write(pickle.dumps(([tuple(each) for each in accounts], addresses, trusted)))


if __name__ == "__main__":
    main()
