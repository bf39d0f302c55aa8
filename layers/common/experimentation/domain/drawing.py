"""The draw: whether a user who has no assignment yet takes part in an experiment, and in which variant."""

from experimentation.domain.assignment import Context, Reason
from experimentation.domain.audience import Search
from experimentation.domain.bucketing import drawn_variant, takes_part
from experimentation.domain.experiment import Experiment


def draw(experiment: Experiment, user_id: str, context: Context, search: Search) -> tuple[str | None, Reason]:
    """Return the user's variant in a running experiment; None, and the reason, if the user takes no part."""
    variant = variant_of(experiment, user_id)
    if variant is None:
        return None, Reason.NOT_IN_TRAFFIC
    if experiment.audience is not None and not _in_audience(experiment.audience, context, search):
        return None, Reason.NOT_IN_AUDIENCE
    return variant, Reason.ASSIGNED


def variant_of(experiment: Experiment, user_id: str) -> str | None:
    """Return the variant that the user draws, whatever the audience; None for a user outside the traffic."""
    if not takes_part(experiment.traffic, user_id):
        return None
    weights = [(variant.key, variant.weight) for variant in experiment.variants]
    return drawn_variant(experiment.salt, user_id, weights)


def _in_audience(audience: dict[str, object], context: Context, search: Search) -> bool:
    from experimentation.domain.audience.condition import matches  # noqa: PLC0415 - most have no audience

    return matches(audience, context, search)
