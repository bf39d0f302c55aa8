"""What must hold between the fields of an experiment."""

from typing import Any

import pytest

from experimentation.domain.consistency import check
from experimentation.domain.errors import InvalidError
from experimentation.domain.experiment import Kind, Metric, Segment, Variant
from tests.experiments import PURCHASE_RATE, experiment


def variants(*weights: int) -> tuple[Variant, ...]:
    return tuple(Variant(key, weight) for key, weight in zip("abc", weights, strict=False))


@pytest.mark.parametrize("weights", [(333_333, 333_333, 333_334), (1, 999_999), (0, 1_000_000)])
def test_weights_that_sum_to_exactly_100_pass(weights: tuple[int, ...]) -> None:
    sound = experiment(variants=variants(*weights), control="a", overrides={})

    assert check(sound) is sound


@pytest.mark.parametrize(
    ("changes", "pointer", "words"),
    [
        ({"variants": variants(500_000, 499_999), "control": "a"}, "/variants", "99.9999"),
        ({"variants": variants(500_000, 500_001), "control": "a"}, "/variants", "100.0001"),
        ({"variants": (Variant("a", 500_000),) * 2, "control": "a"}, "/variants/1/key", "more than once"),
        ({"control": "nobody"}, "/control", "nobody"),
        (
            {"metrics": (PURCHASE_RATE, Metric("purchase_rate", "x", Kind.COUNT))},
            "/metrics/1/key",
            "purchase_rate",
        ),
        ({"segments": (Segment("country", ("DE",)), Segment("country", ()))}, "/segments/1/key", "country"),
        ({"segments": (Segment("country", ("DE", "US", "DE")),)}, "/segments/0/values/2", "DE"),
        ({"segments": (Segment("country", ("DE", "other")),)}, "/segments/0/values/1", "other"),
        ({"segments": (Segment("mood", ("\U0001f600" * 100,)),)}, "/segments/0/values/0", "too long"),
        ({"overrides": {"qa-1": "nobody"}}, "/overrides/qa-1", "nobody"),
    ],
)
def test_a_contradiction_is_named_by_its_field(changes: dict[str, Any], pointer: str, words: str) -> None:
    with pytest.raises(InvalidError) as caught:
        check(experiment(**({"overrides": {}} | changes)))

    assert [error.pointer for error in caught.value.errors] == [pointer]
    assert words in caught.value.errors[0].detail
