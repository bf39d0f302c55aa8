"""GET /sample-size - users and days that an effect takes, or the effect that some users can show."""

from math import ceil

from experimentation.domain.errors import FieldError, InvalidError
from experimentation.domain.experiment import Experiment
from experimentation.domain.results.plan import design_of, is_comparable
from experimentation.domain.statistics.planning import (
    Design,
    Effect,
    Outcome,
    UsersNeeded,
    detectable_effect,
    sample_size,
)
from experimentation.storage import experiments
from experimentation.web.endpoint import endpoint
from experimentation.web.principals import Principal, authorize
from experimentation.web.schemas.sample_size import (
    MAX_USERS,
    Baseline,
    DetectableOut,
    EffectOut,
    Required,
    SampleSizeAnswer,
    SampleSizeQuery,
    UsersOut,
)

MDE_METHOD = "(z of alpha + z of power) x standard error, both arms at the baseline's variance"
LEAST_EFFECT = 1e-12


@endpoint(scope="token", cache="max-age=60")
def handler(query: SampleSizeQuery, principal: Principal) -> SampleSizeAnswer:
    """Answer for the effect, for the users, or for both."""
    experiment = _experiment(query, principal)
    outcome, design = _outcome(query), _design(query, experiment)
    effect = _effect(query, experiment, outcome)
    users = _users_in_question(query, design)
    if effect is None and users is None:
        detail = "needs minimum_effect, minimum_effect_absolute or users_per_variant"
        raise InvalidError("There is nothing to compute.", [FieldError("/minimum_effect", detail)])
    return SampleSizeAnswer(
        baseline=Baseline(
            rate=query.baseline_rate, mean=outcome.mean, sd=outcome.sd or outcome.variance**0.5
        ),
        variants=design.variants,
        primary_metrics=design.primary_metrics,
        alpha=design.alpha,
        alpha_per_comparison=design.family_alpha,
        power=design.power,
        daily_users=query.daily_users,
        planned_users=design.planned_users,
        required=None if effect is None else _required(outcome, effect, design),
        detectable=None if users is None else _detectable(outcome, users, design),
    )


def _experiment(query: SampleSizeQuery, principal: Principal) -> Experiment | None:
    if query.experiment_id is None:
        return None
    authorize(principal, "experiments:read")
    return experiments.read(query.experiment_id, consistent=False)


def _outcome(query: SampleSizeQuery) -> Outcome:
    rate, mean, sd = query.baseline_rate, query.baseline_mean, query.baseline_sd
    if rate is not None and mean is None and sd is None:
        return Outcome(rate)
    if rate is None and mean is not None and sd is not None:
        return Outcome(mean, sd)
    missing = "baseline_rate" if rate is None and mean is None else "baseline_sd"
    detail = "is needed: either baseline_rate, or baseline_mean and baseline_sd, and not both"
    raise InvalidError("The baseline is not clear.", [FieldError(f"/{missing}", detail)])


def _design(query: SampleSizeQuery, experiment: Experiment | None) -> Design:
    if query.variants and query.weights and query.variants != len(query.weights):
        detail = f"are {len(query.weights)}, but variants says {query.variants}"
        raise InvalidError("The variants are not clear.", [FieldError("/weights", detail)])
    own = Design() if experiment is None else design_of(experiment)
    even = (1.0,) * query.variants if query.variants else None
    weights = query.weights or even
    if weights is None and experiment is not None and not is_comparable(experiment):
        detail = "gives users to no control and treatment at once: give weights or variants"
        raise InvalidError("There is nothing to compare.", [FieldError("/experiment_id", detail)])
    return Design(
        weights or own.weights,
        query.primary_metrics or own.primary_metrics,
        query.alpha,
        query.power,
        query.daily_users,
        query.planned_users or own.planned_users,
    )


def _effect(query: SampleSizeQuery, experiment: Experiment | None, outcome: Outcome) -> float | None:
    relative, absolute = query.minimum_effect, query.minimum_effect_absolute
    if relative is not None and absolute is not None:
        detail = "may not stand beside minimum_effect"
        raise InvalidError("The effect is given twice.", [FieldError("/minimum_effect_absolute", detail)])
    if absolute is not None:
        return _showable(absolute, outcome, "/minimum_effect_absolute")
    if relative is None and experiment is not None and experiment.minimum_effect is not None:
        relative = float(experiment.minimum_effect)
    return None if relative is None else _showable(relative * outcome.mean, outcome, "/minimum_effect")


def _showable(effect: float, outcome: Outcome, field: str) -> float:
    if abs(effect) < LEAST_EFFECT:
        detail = "gives no effect at all: no number of users would show it"
    elif outcome.sd is None and not 0 <= outcome.mean + effect <= 1:
        detail = f"leads to a rate of {outcome.mean + effect:.6g}, which lies outside 0 to 1"
    else:
        return effect
    raise InvalidError("There is no such effect.", [FieldError(field, detail)])


def _users_in_question(query: SampleSizeQuery, design: Design) -> int | None:
    """Return the users of all variants whose detectable effect is asked for."""
    if query.users_per_variant is not None:
        return design.users_of_all(query.users_per_variant)
    return design.planned_users


def _required(outcome: Outcome, effect: float, design: Design) -> Required:
    needs = sample_size(outcome, effect, design)
    return Required(
        effect=EffectOut(absolute=effect, relative=needs.relative_effect),
        method=needs.method,
        fixed=_believable(needs.fixed),
        group_sequential=_believable(needs.group_sequential),
        sequential=_believable(needs.sequential),
    )


def _detectable(outcome: Outcome, users: int, design: Design) -> DetectableOut:
    found = detectable_effect(outcome, users, design)
    return DetectableOut(
        users=UsersOut(
            users_per_variant=int(users * design.smallest_share),
            users=users,
            days=None if design.daily_users is None else ceil(users / design.daily_users),
        ),
        method=MDE_METHOD,
        fixed=_possible(outcome, found.fixed),
        group_sequential=_possible(outcome, found.group_sequential),
        sequential=_possible(outcome, found.sequential),
    )


def _believable(needed: UsersNeeded | None) -> UsersOut | None:
    """Return the users and days; None for more users than there are people."""
    if needed is None or needed.users_per_variant > MAX_USERS:
        return None
    return UsersOut(**needed._asdict())


def _possible(outcome: Outcome, effect: Effect) -> EffectOut | None:
    """Return the effect; None for a rate that could neither rise nor fall so far."""
    if outcome.sd is None and effect.absolute > max(outcome.mean, 1 - outcome.mean):
        return None
    return EffectOut(**effect._asdict())
