"""$default - 404; 405 for a method that a path does not take, 308 for a last slash, 204 for a preflight."""

from urllib.parse import quote

from experimentation.domain.errors import MethodNotAllowedError, NotFoundError
from experimentation.web.endpoint import endpoint
from experimentation.web.paths import methods_of
from experimentation.web.reply import Reply
from experimentation.web.request import Request

PATH = "/%:@!$&'()*+,;=~"  # what a path may hold as it is (RFC 3986)


@endpoint(scope="anyone")
def handler(request: Request) -> Reply:
    """Refuse the request as the rest of the API refuses; a path that is right but for its last slash moves.

    The gateway hands OPTIONS to a catch-all route even where CORS is on. It adds CORS headers where an origin
    may call, and a browser goes on only when it finds them on an answer that is 2xx.
    """
    if request.method == "OPTIONS":
        return Reply(status=204)
    path = request.path
    # Known paths alone move: //elsewhere/ would lead to another host.
    if path.endswith("/") and methods_of(path[:-1]):
        query = f"?{request.raw_query}" if request.raw_query else ""
        return Reply(status=308, headers={"Location": quote(path[:-1], safe=PATH) + query})
    if methods := methods_of(path):
        raise MethodNotAllowedError(f"{path} does not take {request.method}.", methods)
    raise NotFoundError(f"There is no {request.method} {path}.")
