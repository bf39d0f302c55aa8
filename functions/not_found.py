"""$default - answer 404 for every route that is not there, and a browser's preflight 204."""

from experimentation.domain.errors import NotFoundError
from experimentation.web.endpoint import endpoint
from experimentation.web.reply import Reply
from experimentation.web.request import Request


@endpoint(scope="anyone")
def handler(request: Request) -> Reply:
    """Refuse the request as the rest of the API refuses.

    The gateway hands OPTIONS to a catch-all route even where CORS is on. It adds CORS headers where an origin
    may call, and a browser goes on only when it finds them on an answer that is 2xx.
    """
    if request.method == "OPTIONS":
        return Reply(status=204)
    raise NotFoundError(f"There is no {request.method} {request.path}.")
