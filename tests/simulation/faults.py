"""How often each thing goes wrong; a world without faults is `Faults()`."""

from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError


@dataclass
class Faults:
    """Probabilities, per call unless said otherwise; `outage` and `slow` are switched during a run."""

    throttled: float = 0.0
    refused: float = 0.0  # the connection failed: nothing was done
    lost: float = 0.0  # done, but the answer was lost
    delayed: float = 0.0  # the caller gave up, and then it was done
    spurious: float = 0.0  # a transaction is cancelled for a throttle of one of its items
    unprocessed: float = 0.0  # a BatchGetItem leaves some keys
    stale: float = 0.0  # an eventually consistent read of a fresh item gives what was there before
    killed: float = 0.0  # per invocation
    twice: float = 0.0  # per message: the queue delivers it again
    outage: bool = False
    slow: bool = False

    def stop(self) -> None:
        """Let everything work from now on."""
        self.__init__()  # type: ignore[misc]


def client_error(operation: str, code: str, reasons: list[str] | None = None) -> ClientError:
    """Return the exception that botocore raises for a service's error."""
    response: dict[str, Any] = {"Error": {"Code": code, "Message": code}}
    if reasons is not None:
        response["CancellationReasons"] = [{"Code": reason} for reason in reasons]
    return ClientError(response, operation)  # type: ignore[arg-type]
