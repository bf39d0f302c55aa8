"""Why a user has a variant: the hash input, the bucket, the ranges, and how to recompute them."""

from shlex import quote

from experimentation.domain.assignment import Context
from experimentation.domain.audience import Search
from experimentation.domain.audience.condition import failures
from experimentation.domain.bucketing import (
    BUCKETS,
    TRAFFIC,
    VARIANT,
    bucket,
    hash_input,
    ranges,
    takes_part,
    unit_hash,
    variant_at,
)
from experimentation.domain.experiment import Experiment
from experimentation.domain.prerequisites import is_met


def explain(
    experiment: Experiment,
    user_id: str,
    context: Context,
    search: Search,
    base: tuple[Experiment, str | None] | None,
) -> dict[str, object]:
    """Return both draws, what follows from them, and whether audience and prerequisite let the user in.

    `base` is the experiment that this one builds on, with the user's variant there.
    A shipped variant, an override or a stored assignment takes precedence over all of this.
    """
    weights = [(variant.key, variant.weight) for variant in experiment.variants]
    traffic = experiment.traffic
    position = bucket(unit_hash(experiment.salt, VARIANT, user_id))
    spans = ranges(weights)
    return {
        "spec": "bucketing v1",
        "salt": experiment.salt,
        "buckets": BUCKETS,
        "shipped": experiment.ship,
        "traffic": {
            **_draw(traffic.salt, TRAFFIC, user_id),
            "salt": traffic.salt,
            "enrolled_from": traffic.start,
            "enrolled_below": traffic.end,
            "in_traffic": takes_part(traffic, user_id),
        },
        "variant": {
            **_draw(experiment.salt, VARIANT, user_id),
            "ranges": [{"variant": span.key, "from": span.start, "below": span.end} for span in spans],
            "drawn": variant_at(position, weights),
        },
        "prerequisite": _prerequisite(experiment, base),
        "audience": None if experiment.audience is None else _audience(experiment.audience, context, search),
    }


def _prerequisite(
    experiment: Experiment, base: tuple[Experiment, str | None] | None
) -> dict[str, object] | None:
    prerequisite = experiment.prerequisite
    if prerequisite is None:
        return None
    base_experiment, variant = base or (None, None)
    return {
        "experiment_id": prerequisite.experiment_id,
        "variants": list(prerequisite.variants),
        "variant": variant,
        "met": is_met(experiment, base_experiment, variant),
    }


def _audience(audience: dict[str, object], context: Context, search: Search) -> dict[str, object]:
    failed = [
        {"pointer": pointer, "expected": expected, "actual": actual}
        for pointer, expected, actual in failures(audience, context, search)
    ]
    return {"condition": audience, "context": dict(context), "matches": not failed, "failed": failed}


def _draw(salt: str, purpose: str, user_id: str) -> dict[str, object]:
    draw = unit_hash(salt, purpose, user_id)
    hashed = hash_input(salt, purpose, user_id)
    return {
        "hash_input_hex": hashed.hex(),
        "u64": str(draw),
        "bucket": bucket(draw),
        "recompute": command(hashed),
    }


def command(hashed: bytes) -> str:
    r"""Return a shell command that prints the bucket of these bytes, with printf, sha256sum and python3 only.

    >>> command(b"v1")
    "printf '\\166\\061' | sha256sum | python3 -c 'print((int(input()[:16], 16) * 1000000) >> 64)'"
    """
    octal = "".join(f"\\{byte:03o}" for byte in hashed)
    program = f"print((int(input()[:16], 16) * {BUCKETS}) >> 64)"
    return f"printf {quote(octal)} | sha256sum | python3 -c {quote(program)}"
