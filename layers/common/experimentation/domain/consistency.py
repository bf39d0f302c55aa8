"""Rules between the fields of an experiment, checked after every change."""

from collections import Counter
from collections.abc import Iterable, Iterator
from decimal import Decimal

from experimentation.domain.counting.counters import label
from experimentation.domain.errors import FieldError, InvalidError, escaped
from experimentation.domain.experiment import MILLION, Analysis, Experiment, Role
from experimentation.domain.percent import STEPS
from experimentation.domain.schedule import contradictions

MAX_LABEL_BYTES = 800  # a counter's sort key of 1,024 also holds a type, a day and a variant
OTHER = "other"  # the label of every value that a segment does not name


def check(experiment: Experiment) -> Experiment:
    """Return the experiment; InvalidError with every field at fault when it contradicts itself."""
    faults = [
        *_variants(experiment),
        *_layer(experiment),
        *_repeated("/tags/{}", experiment.tags),
        *_metrics(experiment),
        *_plan(experiment),
        *_segments(experiment),
        *_overrides(experiment),
        *_ship(experiment),
        *contradictions(experiment),
    ]
    if faults:
        raise InvalidError("The experiment contradicts itself.", faults)
    return experiment


def _variants(experiment: Experiment) -> Iterator[FieldError]:
    yield from _repeated("/variants/{}/key", experiment.keys)
    total = sum(variant.weight for variant in experiment.variants)
    if total != MILLION:
        yield FieldError("/variants", f"the weights must sum to exactly 100, not {_decimal(total)}")
    if experiment.control not in experiment.keys:
        yield FieldError("/control", f"no variant has the key {experiment.control}")


def _layer(experiment: Experiment) -> Iterator[FieldError]:
    layer = experiment.layer
    if layer is None:
        return
    width = layer.end - layer.start
    if not 0 <= layer.start < layer.end <= MILLION:
        yield FieldError("/layer/to", f"must be above {_decimal(layer.start)} and at most 100")
    elif experiment.traffic_allocation != width:
        yield FieldError("/traffic_allocation", f"is the width of the layer's range, {_decimal(width)}")


def _metrics(experiment: Experiment) -> Iterator[FieldError]:
    yield from _repeated("/metrics/{}/key", [metric.key for metric in experiment.metrics])
    for index, metric in enumerate(experiment.metrics):
        if metric.margin is not None and metric.role is not Role.GUARDRAIL:
            yield FieldError(f"/metrics/{index}/margin", "only a guardrail has a margin")


def _plan(experiment: Experiment) -> Iterator[FieldError]:
    if experiment.analysis is Analysis.GROUP_SEQUENTIAL and experiment.planned_users is None:
        yield FieldError("/planned_users", "group_sequential analysis needs it: its looks are shares of it")


def _segments(experiment: Experiment) -> Iterator[FieldError]:
    yield from _repeated("/segments/{}/key", [segment.key for segment in experiment.segments])
    for index, segment in enumerate(experiment.segments):
        pointer = f"/segments/{index}/values/{{}}"
        yield from _repeated(pointer, segment.values)
        for position, value in enumerate(segment.values):
            if len(label(segment.key, value, segment.values)) > MAX_LABEL_BYTES:
                yield FieldError(pointer.format(position), "is too long: use fewer or simpler characters")
        if OTHER in segment.values:
            at = pointer.format(segment.values.index(OTHER))
            yield FieldError(at, f"{OTHER!r} is the label of every value that is not named")


def _overrides(experiment: Experiment) -> Iterator[FieldError]:
    for user_id, key in experiment.overrides.items():
        if key not in experiment.keys:
            yield FieldError(f"/overrides/{escaped(user_id)}", f"no variant has the key {key}")


def _ship(experiment: Experiment) -> Iterator[FieldError]:
    if experiment.ship is not None and experiment.ship not in experiment.keys:
        yield FieldError("/ship", f"no variant has the key {experiment.ship}")


def _repeated(pointer: str, keys: Iterable[str]) -> Iterator[FieldError]:
    seen: Counter[str] = Counter()
    for index, key in enumerate(keys):
        seen[key] += 1
        if seen[key] == 2:
            yield FieldError(pointer.format(index), f"{key} is used more than once")


def _decimal(share: int) -> str:
    return format((Decimal(share) / STEPS).normalize(), "f")
