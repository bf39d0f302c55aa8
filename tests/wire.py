"""What AWS answers when it will not do something, put in the place of the answer on the wire."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from botocore.awsrequest import AWSResponse
from moto.core.botocore_stubber import MockRawResponse

BUSY_XML = b"<Error><Code>SlowDown</Code></Error>"
BUSY_JSON = b'{"__type":"ServiceUnavailable"}'


@contextmanager
def answering(
    client: Any,
    operation: str,
    body: bytes,
    status: int = 503,
    when: Callable[[Any], bool] = lambda request: True,
) -> Iterator[None]:
    """Answer an operation of this client with `body`, and do nothing, where `when` says so of the request."""

    def answer(request: Any, **_: Any) -> AWSResponse | None:
        if not when(request):
            return None
        request.url = "https://nowhere.invalid/"  # moto sees every request, and leaves this one alone
        return AWSResponse(request.url, status, {}, MockRawResponse(body))

    name = f"before-send.{client.meta.service_model.service_id.hyphenize()}.{operation}"
    client.meta.events.register_first(name, answer)
    try:
        yield
    finally:
        client.meta.events.unregister(name, answer)
