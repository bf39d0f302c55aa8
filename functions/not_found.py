"""$default - answer 404 for every route that is not there."""

from experimentation.domain.errors import NotFoundError
from experimentation.web.endpoint import endpoint
from experimentation.web.request import Request


@endpoint(scope="anyone")
def handler(request: Request) -> None:
    """Refuse the request as the rest of the API refuses."""
    raise NotFoundError(f"There is no {request.method} {request.path}.")
