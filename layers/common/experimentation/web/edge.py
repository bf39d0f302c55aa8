"""The edge cache as the only way in: its protection must not be bypassed."""

import hmac
from collections.abc import Mapping

from experimentation import settings
from experimentation.domain.errors import ForbiddenError

HEADER = "x-edge-secret"  # the distribution overwrites what a caller sent
VIEWER_HEADER = "x-viewer-address"  # so does the distribution's function
REFUSAL = "This address answers the edge cache alone; use the public one."


def bypassed(headers: Mapping[str, str]) -> bool:
    """Tell whether a request should have come through the edge and did not; names are in lower case."""
    secret = settings.edge_secret()
    return bool(secret) and not hmac.compare_digest(headers.get(HEADER, "").encode(), secret.encode())


def require(headers: Mapping[str, str]) -> None:
    """Raise ForbiddenError for a request that bypassed the edge."""
    if bypassed(headers):
        raise ForbiddenError(REFUSAL)


def served(headers: Mapping[str, str]) -> bool:
    """Tell whether the edge sent the request, so that its headers about the caller can be trusted."""
    return bool(settings.edge_secret()) and not bypassed(headers)
