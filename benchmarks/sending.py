"""What it costs to send a call of AWS: botocore alone, and with our first attempt, over TLS as in AWS.

The server answers every call with nothing found; it either keeps the connection or ends it, as DynamoDB does
with one that was idle while Lambda had frozen the process.
"""

import os
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import trustme
from botocore.httpsession import get_cert_path

from benchmarks.cpu import Work, interleaved
from benchmarks.tables import Section, Table, ms, times
from experimentation.storage.aws import client

ROUNDS = 15
CALLS = {"kept": 40, "botocore kept": 40, "new": 5, "botocore new": 5}
PROXY = {"https": "http://proxy.invalid"}  # with one, botocore sends alone; this one is told to be bypassed


def measure() -> Section:
    """Return the CPU of one GetItem each way."""
    with _server() as (keeps, ends):
        works = _works("kept", keeps) | _works("new", ends)
        costs = interleaved(works, ROUNDS, CALLS)
        client.reset()
    rows = []
    for name, title in (("kept", "a kept connection"), ("new", "a new connection, TLS handshake included")):
        ours, theirs = costs[name].cpu, costs[f"botocore {name}"].cpu
        rows.append((title, ms(ours), ms(theirs), times(ours / theirs)))
    note = (
        f"One GetItem that finds nothing, over TLS, medians of {ROUNDS} rounds in turns: our client (the first "
        "attempt by http.client, docs/decisions/0009), and the same client with botocore's own sending."
    )
    header = ("over", "CPU ms", "botocore's CPU ms", "ours / botocore's")
    return Section([Table("Sending a call", header, rows, note)])


def _works(name: str, port: int) -> dict[str, Work]:
    def work() -> Work:
        client.reset()
        made = client.dynamodb()
        return lambda: made.get_item(TableName="t", Key={"PK": {"S": "USER#u"}, "SK": {"S": "HEAD"}})

    with patch.dict(os.environ, {"AWS_ENDPOINT_URL": f"https://127.0.0.1:{port}"}):
        ours = work()
        with patch.object(client, "getproxies", lambda: PROXY):
            return {name: ours, f"botocore {name}": work()}


@contextmanager
def _server() -> Iterator[tuple[int, int]]:
    """Serve in a process that is trusted beside all the usual authorities.

    Yield two ports: one where connections are kept, one where they end after an answer.
    """
    authority = trustme.CA()
    with TemporaryDirectory(prefix="bench-") as folder:
        trusted, own = Path(folder) / "trusted.pem", Path(folder) / "own.pem"
        trusted.write_bytes(Path(get_cert_path(True)).read_bytes() + authority.cert_pem.bytes())
        authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(own))
        here, there = get_context("spawn").Pipe()
        process = get_context("spawn").Process(target=_serve, args=(there, str(own)), daemon=True)
        process.start()
        environment = {
            "AWS_CA_BUNDLE": str(trusted),
            "AWS_ACCESS_KEY_ID": "bench",
            "AWS_SECRET_ACCESS_KEY": "bench",
            "AWS_DEFAULT_REGION": "us-east-1",
        }
        try:
            with patch.dict(os.environ, environment):
                yield here.recv()
        finally:
            process.terminate()
            process.join()


def _serve(started: Connection, certificate: str) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    ending = threading.Thread(target=_accept, args=(listeners[1], tls, False), daemon=True)
    ending.start()
    started.send([listener.getsockname()[1] for listener in listeners])
    _accept(listeners[0], tls, True)


def _accept(listener: socket.socket, tls: ssl.SSLContext, keep: bool) -> None:
    while True:
        accepted, _ = listener.accept()
        threading.Thread(target=_answer, args=(accepted, tls, keep), daemon=True).start()


def _answer(accepted: socket.socket, tls: ssl.SSLContext, keep: bool) -> None:
    with tls.wrap_socket(accepted, server_side=True) as connection:
        while _received(connection):
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
            if not keep:
                return


def _received(connection: ssl.SSLSocket) -> bool:
    """Receive one request; False at the end of the connection."""
    received = b""
    while True:
        head, end, body = received.partition(b"\r\n\r\n")
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        if end and len(body) == int(length):
            return True
        more = connection.recv(65536)
        if not more:
            return False
        received += more
