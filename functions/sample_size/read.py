"""GET /sample-size - users and days that an effect takes, or the effect that some users can show."""

from experimentation.domain.errors import FieldError, InvalidError
from experimentation.domain.experiment import Experiment
from experimentation.domain.results.plan import design_of, planned_users_per_variant, users_of_all
from experimentation.domain.statistics.planning import (
    Design,
    Effect,
    Outcome,
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
    users = query.users_per_variant
    if users is None and experiment is not None:
        users = planned_users_per_variant(experiment)
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
        required=None if effect is None else _required(outcome, effect, design, experiment),
        detectable=None if users is None else _detectable(outcome, users, design, experiment),
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
    own = Design() if experiment is None else design_of(experiment)
    return Design(
        query.variants or own.variants,
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
    own = None if experiment is None else experiment.minimum_effect
    if relative is None and absolute is None and own is not None:
        relative = float(own)
    field = "/minimum_effect" if absolute is None else "/minimum_effect_absolute"
    effect = absolute if relative is None else relative * outcome.mean
    if effect is None:
        return None
    if abs(effect) < LEAST_EFFECT:
        detail = "gives no effect at all: no number of users would show it"
    elif outcome.sd is None and not 0 <= outcome.mean + effect <= 1:
        detail = f"leads to a rate of {outcome.mean + effect:.6g}, which lies outside 0 to 1"
    else:
        return effect
    raise InvalidError("There is no such effect.", [FieldError(field, detail)])


def _required(outcome: Outcome, effect: float, design: Design, experiment: Experiment | None) -> Required:
    needs = sample_size(outcome, effect, design)
    fixed, sequential = (
        None if each is None else _users(each.users_per_variant, design, experiment)
        for each in (needs.fixed, needs.sequential)
    )
    return Required(
        effect=EffectOut(absolute=effect, relative=needs.relative_effect),
        method=needs.method,
        fixed=fixed,
        sequential=sequential,
    )


def _detectable(
    outcome: Outcome, users_per_variant: int, design: Design, experiment: Experiment | None
) -> DetectableOut | None:
    found = detectable_effect(outcome, users_per_variant, design)
    users = _users(users_per_variant, design, experiment)
    if users is None:
        return None
    return DetectableOut(
        users=users,
        method=MDE_METHOD,
        fixed=_possible(outcome, found.fixed),
        sequential=_possible(outcome, found.sequential),
    )


def _users(per_variant: int, design: Design, experiment: Experiment | None) -> UsersOut | None:
    """Return the users and days; None for more users than there are people."""
    if per_variant > MAX_USERS:
        return None
    users = per_variant * design.variants if experiment is None else users_of_all(per_variant, experiment)
    days = None if design.daily_users is None else -int(-users // design.daily_users)
    return UsersOut(users_per_variant=per_variant, users=users, days=days)


def _possible(outcome: Outcome, effect: Effect) -> EffectOut | None:
    """Return the effect; None for a rate that could neither rise nor fall so far."""
    if outcome.sd is None and effect.absolute > max(outcome.mean, 1 - outcome.mean):
        return None
    return EffectOut(**effect._asdict())
