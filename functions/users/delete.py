"""DELETE /users - erase a person: stored data is removed, published results stay."""

from experimentation.usecases.erasing import begin, proceed
from experimentation.usecases.runtime import Runtime
from experimentation.web.endpoint import endpoint
from experimentation.web.principals import Principal, origin_of
from experimentation.web.request import Request
from experimentation.web.schemas.personal_data import ErasureAnswer, PersonQuery

BUDGET_MS = 12_000  # of the function's 29 s: the last step may still meet slow calls
runtime = Runtime()


@endpoint(scope="admin", status=202, recent=True)
def handler(query: PersonQuery, principal: Principal, request: Request, now: int) -> ErasureAnswer:
    """Start the erasure and answer its progress; a schedule does the rest, and another call goes on at once.

    It takes two minutes at least. Events received meanwhile wait, and belong to a new user with that id.
    """
    erasure = begin(query.user_id, origin_of(request, principal, now), runtime)
    return ErasureAnswer.of(proceed(erasure, runtime, lambda: runtime.clock() - now < BUDGET_MS))
