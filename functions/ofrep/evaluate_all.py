"""POST /ofrep/v1/evaluate/flags - evaluate all flags for an OpenFeature provider."""

from experimentation.usecases.assigning import assign_all
from experimentation.usecases.evaluating import evaluation, flags_of
from experimentation.usecases.runtime import Runtime
from experimentation.web.conditions import tagged
from experimentation.web.endpoint import endpoint
from experimentation.web.listing import content_tag
from experimentation.web.ofrep_failures import render
from experimentation.web.reply import Reply
from experimentation.web.request import Request
from experimentation.web.schemas.ofrep import EvaluationRequest, subject

runtime = Runtime()


@endpoint(scope="assignments:write", render_problem=render)
def handler(body: EvaluationRequest | None, request: Request, now: int) -> Reply:
    """Assign the user in every running experiment; the tag covers the context as well as the flags."""
    user = subject(body)
    flags = flags_of(user.user_id, now, runtime)
    decisions = assign_all(flags, user.user_id, user.context, runtime)
    answer = {"flags": [evaluation(decision) for decision in decisions]}
    asked = {"user": user.user_id, "context": sorted(user.context.items())}
    return tagged(request, answer, content_tag([answer, asked]))
