"""Sends the first attempt of a call of AWS over a kept connection of http.client.

botocore still makes the request, signs it and reads the answer; only its way of sending is left out, which
costs more than all of these and loads the certificates anew for every connection (docs/decisions/0009). What
the first attempt does not settle - a lost connection, a time-out, an answer that passes by itself - is left
to botocore, which sends the same request again, as it would have done anyway.
"""

import ssl
import time
import weakref
from collections import defaultdict, deque
from functools import cache
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from random import SystemRandom
from select import POLLIN, poll
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from botocore.awsrequest import AWSRequest, AWSResponse, create_request_object
from botocore.httpsession import get_cert_path
from botocore.parsers import ResponseParser

from experimentation.storage.aws.failures import BUSY

IDLE_SECONDS = 30  # DynamoDB ends idle connections after some 90 s, a NAT forgets them silently after 350 s
_rng = SystemRandom()  # environments restored from one snapshot would share the state of any other


class _Idle(NamedTuple):
    connection: HTTPConnection
    since: float


type _Connections = defaultdict[tuple[str, str], deque[_Idle]]


class _Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


@cache
def _trusted(ca_bundle: str) -> ssl.SSLContext:
    """Return the context of all connections: loading the certificates is most of what a connection costs."""
    return ssl.create_default_context(cafile=ca_bundle)


class FirstAttempt:
    """A hook of botocore's on `before-call`: what it returns takes the place of botocore's own sending.

    For services whose calls are POSTs with the whole answer in the body. `ca_bundle` is botocore's setting: a
    file of certificates, or None for botocore's own.
    """

    def __init__(
        self, parser: ResponseParser, connect_seconds: float, read_seconds: float, ca_bundle: str | None
    ) -> None:
        self._parser = parser
        self._connect_seconds, self._read_seconds = connect_seconds, read_seconds
        self._ca_bundle = ca_bundle or get_cert_path(True)
        self._idle: _Connections = defaultdict(deque)
        weakref.finalize(self, _close, self._idle)

    def __call__(
        self, model: Any, params: dict[str, Any], request_signer: Any, **_: object
    ) -> tuple[AWSResponse, dict[str, Any]] | None:
        """Return the answer and what it says, as botocore's endpoint does; None where that must try again."""
        request = create_request_object(params)
        request_signer.sign(model.name, request)
        try:
            answer = self._answer(request)
        except (OSError, HTTPException):
            return None
        said = self._said(answer, model)
        if answer.status >= 500 or said.get("Error", {}).get("Code") in BUSY:
            time.sleep(_rng.random())  # what botocore waits after a throttle
            return None
        headers: Any = answer.headers  # the stubs know one kind alone
        return AWSResponse(str(request.url), answer.status, headers, None), said

    def _answer(self, request: AWSRequest) -> _Answer:
        url = urlsplit(str(request.url))
        idle = self._idle[url.scheme, url.netloc]
        connection = _kept(idle)
        if connection is not None:
            began = time.monotonic()
            try:
                return _asked(connection, request, idle)
            except (OSError, HTTPException):
                # The other side may have closed it just now. Both tries share one time-out, so the attempt
                # takes no longer than one of botocore's: COMPLETION_DELAY_MS counts on it.
                left = self._read_seconds - (time.monotonic() - began)
                if left <= 0:
                    raise
                return _asked(self._opened(url.scheme, url.netloc, left), request, idle)
        return _asked(self._opened(url.scheme, url.netloc, self._read_seconds), request, idle)

    def _opened(self, scheme: str, netloc: str, read_seconds: float) -> HTTPConnection:
        seconds = self._connect_seconds
        connection = (
            HTTPSConnection(netloc, timeout=seconds, context=_trusted(self._ca_bundle))
            if scheme == "https"
            else HTTPConnection(netloc, timeout=seconds)
        )
        connection.connect()
        connection.sock.settimeout(read_seconds)
        return connection

    def _said(self, answer: _Answer, model: Any) -> dict[str, Any]:
        raw = {"status_code": answer.status, "headers": answer.headers, "body": answer.body}
        said: dict[str, Any] = self._parser.parse(raw, model.output_shape)
        code = said.get("Error", {}).get("Code")
        shape = code and model.service_model.shape_for_error_code(code)
        if shape:  # what this error alone says, such as why a transaction was cancelled
            said |= self._parser.parse(raw, shape)
        return said


def _asked(connection: HTTPConnection, request: AWSRequest, idle: deque[_Idle]) -> _Answer:
    """Return the answer over this connection, which is kept where the other side keeps it."""
    path = urlsplit(str(request.url)).path or "/"
    try:
        connection.request("POST", path, request.body, dict(request.headers.items()))
        response = connection.getresponse()
        answer = _Answer(response.status, dict(response.headers), response.read())
    except BaseException:
        connection.close()
        raise
    if not response.will_close:
        idle.append(_Idle(connection, time.time()))
    return answer


def _kept(idle: deque[_Idle]) -> HTTPConnection | None:
    """Return a connection used of late that the other side has not closed while Lambda froze us."""
    while True:
        try:
            connection, since = idle.pop()
        except IndexError:
            return None
        if not 0 <= time.time() - since < IDLE_SECONDS:  # by the wall's clock: it goes on while we are frozen
            connection.close()
            continue
        waiting = poll()
        waiting.register(connection.sock, POLLIN)
        if not waiting.poll(0):
            return connection
        connection.close()


def _close(idle: _Connections) -> None:
    for connections in idle.values():
        for each in connections:
            each.connection.close()
