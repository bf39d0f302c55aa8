"""$default - 404; 405 for a method that the path lacks, 308 for a trailing slash, 204 for a preflight."""

from urllib.parse import quote

from experimentation.domain.errors import MethodNotAllowedError, NotFoundError
from experimentation.web.endpoint import endpoint
from experimentation.web.paths import methods_of
from experimentation.web.reply import Reply
from experimentation.web.request import Request

PATH = "/%:@!$&'()*+,;=~"  # need no escape in a path (RFC 3986)


@endpoint(scope="anyone")
def handler(request: Request) -> Reply:
    """Answer with a problem, or redirect a path that exists without its trailing slash.

    The gateway routes OPTIONS to a catch-all route even where CORS is on. It adds CORS headers for an allowed
    origin, and a browser accepts them only on a 2xx answer.
    """
    if request.method == "OPTIONS":
        return Reply(status=204)
    path = request.path
    # Redirect known paths only: //elsewhere/ would lead to another host.
    if path.endswith("/") and methods_of(path[:-1]):
        query = f"?{request.raw_query}" if request.raw_query else ""
        return Reply(status=308, headers={"Location": quote(path[:-1], safe=PATH) + query})
    if methods := methods_of(path):
        raise MethodNotAllowedError(f"{path} does not take {request.method}.", methods)
    raise NotFoundError(f"There is no {request.method} {path}.")
