"""Conditions on contexts: GrowthBook's own SDK is the oracle, and no pattern can stall a function."""

import random
import re
import time
from typing import Any

import pytest
from growthbook.core import evalCondition
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from experimentation import patterns
from experimentation.domain.audience import pattern as portable
from experimentation.domain.audience.checking import faults
from experimentation.domain.audience.condition import failures, matches
from experimentation.domain.audience.version import version_order

FEW, MANY = 200, 10_000

# Few attributes and values, so that about half of the conditions hold.
ATTRIBUTES = ["country", "age", "beta", "version", "plan"]
NUMBERS = st.sampled_from([0, 1, -1, 2, 1.0, 2.5, -0.0, 18, 10**30, 1e300])
TEXTS = st.sampled_from(
    ["", "DE", "AT", "de", "1", "true", "é", "\U0001f600", "\uffee", "a\nb", "DE\n", "a b"]
)
VERSIONS = st.sampled_from(
    ["1.0.0", "v1.0.0", "1.0.0-beta", "1.10.0", "1.9.0", "1.9", "2", "1.0.0+build.7", "", "v", "x.y.z", "1.²"]
)
SCALARS = st.one_of(NUMBERS, TEXTS, VERSIONS, st.booleans(), st.none())
PRESENT = st.one_of(NUMBERS, TEXTS, VERSIONS, st.booleans())

CHARACTERS = st.sampled_from(
    [
        "a",
        "D",
        "E",
        "1",
        ".",
        "é",
        "\U0001f600",
        "\n",
        r"\.",
        r"\-",
        r"\n",
        "[a-f]",
        "[^DE]",
        "[DE.]",
        r"[\]é-]",
        "-",
    ]
)
QUANTIFIERS = st.sampled_from(["", "", "", "*", "+", "?", "*?", "+?", "??", "{2}", "{0,3}", "{1,}?"])
ATOMS = st.builds("".join, st.tuples(CHARACTERS, QUANTIFIERS))
SEQUENCES = st.lists(ATOMS, max_size=4).map("".join)
PATTERNS = st.recursive(
    SEQUENCES,
    lambda inner: st.one_of(
        st.builds("({}){}".format, inner, QUANTIFIERS),
        st.builds("(?:{}){}".format, inner, QUANTIFIERS),
        st.builds("{}|{}".format, inner, inner),
        st.builds("{}{}".format, inner, inner),
    ),
    max_leaves=5,
)
WHOLE_PATTERNS = st.builds("{}{}{}".format, st.sampled_from(["", "^"]), PATTERNS, st.sampled_from(["", "$"]))

ON_A_VALUE = st.recursive(
    st.dictionaries(st.sampled_from(["$eq", "$ne"]), SCALARS, min_size=1, max_size=1)
    | st.dictionaries(st.sampled_from(["$in", "$nin"]), st.lists(SCALARS, min_size=1, max_size=4), min_size=1)
    | st.dictionaries(
        st.sampled_from(["$gt", "$gte", "$lt", "$lte"]), st.one_of(NUMBERS, TEXTS, VERSIONS), min_size=1
    )
    | st.dictionaries(
        st.sampled_from(["$veq", "$vne", "$vgt", "$vgte", "$vlt", "$vlte"]), VERSIONS, min_size=1, max_size=2
    )
    | st.dictionaries(st.just("$exists"), st.booleans(), min_size=1)
    | st.dictionaries(st.just("$regex"), WHOLE_PATTERNS, min_size=1),
    lambda inner: st.builds(lambda wanted: {"$not": wanted}, inner | SCALARS),
    max_leaves=2,
)
CONDITIONS = st.recursive(
    st.dictionaries(st.sampled_from(ATTRIBUTES), SCALARS | ON_A_VALUE, min_size=1, max_size=2),
    lambda inner: st.one_of(
        st.dictionaries(
            st.sampled_from(["$and", "$or", "$nor"]), st.lists(inner, min_size=1, max_size=3), min_size=1
        ),
        st.builds(lambda condition: {"$not": condition}, inner),
        st.builds(lambda one, other: one | other, inner, inner),
    ),
    max_leaves=5,
)
CONTEXTS = st.dictionaries(st.sampled_from(ATTRIBUTES), PRESENT)


def agrees(condition: dict[str, Any], context: dict[str, Any]) -> None:
    assume(not faults(condition, patterns.fault))

    assert matches(condition, context, patterns.search) is evalCondition(context, condition)


@settings(max_examples=FEW, deadline=None, suppress_health_check=list(HealthCheck))
@given(condition=CONDITIONS, context=CONTEXTS)
def test_conditions_match_as_in_growthbooks_sdk(condition: dict[str, Any], context: dict[str, Any]) -> None:
    agrees(condition, context)


@pytest.mark.heavy
@settings(max_examples=MANY, deadline=None, suppress_health_check=list(HealthCheck))
@given(condition=CONDITIONS, context=CONTEXTS)
def test_10000_conditions_match_as_in_growthbooks_sdk(
    condition: dict[str, Any], context: dict[str, Any]
) -> None:
    agrees(condition, context)


@settings(max_examples=FEW, deadline=None)
@given(condition=CONDITIONS, context=CONTEXTS)
def test_what_fails_is_named_exactly_when_the_context_does_not_match(
    condition: dict[str, Any], context: dict[str, Any]
) -> None:
    assume(not faults(condition, patterns.fault))

    failed = list(failures(condition, context, patterns.search))

    assert (not failed) is evalCondition(context, condition)
    for each in failed:
        assert _at(condition, each.pointer) == each.expected


def _at(condition: Any, pointer: str) -> Any:
    for token in pointer.split("/")[1:]:
        condition = condition[int(token)] if isinstance(condition, list) else condition[token]
    return condition


@settings(max_examples=FEW, deadline=None)
@given(pattern=WHOLE_PATTERNS, text=st.text(alphabet="aDE1.é\U0001f600\n-f", max_size=12))
def test_patterns_that_are_allowed_are_read_alike(pattern: str, text: str) -> None:
    assume(patterns.fault(pattern) is None)

    assert patterns.search(pattern, text) is bool(re.search(pattern, text))


def test_any_text_is_either_refused_as_a_pattern_or_read_alike() -> None:
    rng = random.Random(16)
    alphabet = [*"aDE1.é\n-^$|()[]{}*+?\\,dwsbBZAn:=!<&~Pi", "(?:", "[a-", "{1", "{,2}", "[["]
    allowed = 0
    for _ in range(10_000):
        pattern = "".join(rng.choice(alphabet) for _ in range(rng.randint(1, 7)))
        if patterns.fault(pattern) is None and "$" not in pattern[:-1]:
            allowed += 1
            for text in ("", "a", "DE", "aDE1\n", "é-a.", "\n", "aaa1"):
                assert patterns.search(pattern, text) is bool(re.search(pattern, text)), (pattern, text)
    assert allowed > 500


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("^(a+)+$", "a" * 2_000 + "!"),
        ("^(a|a)*$", "a" * 2_000 + "!"),
        ("^(?:.*,){12}P", "1," * 1_000),
        ("^(([a-z])+.)+[A-Z]([a-z])+$", "a" * 2_000),
        ("(?:[a-z]{0,100}){0,10}x", "a" * 2_000),
        ("(" * 40 + "a?" + "){0,2}" * 3 + ")" * 37 + "b", "a" * 2_000),
    ],
)
def test_hostile_pattern_cannot_stall_a_function(pattern: str, text: str) -> None:
    started = time.process_time()

    assert patterns.fault(pattern) is None
    found = patterns.search(pattern, text)

    assert not found
    assert time.process_time() - started < 0.5


def test_pattern_too_large_for_the_engine_is_refused() -> None:
    assert patterns.fault("(?:[a-z]{100}){100}") == "cannot be run: invalid repetition size: {100}"
    assert portable.fault("a" * 201) == "may have at most 200 characters"


@pytest.mark.parametrize(
    ("pattern", "advice"),
    [
        (r"^\d+$", r"at character 2: \d stands for other characters"),
        ("(?i)de", "at character 1: (? begins a flag"),
        ("a(?=b)", "at character 2: (? begins a flag"),
        (r"(a)\1", "at character 4: \\ is not read alike"),
        ("a{,3}", "at character 2: { is not read alike"),
        ("a**", "at character 2: * is not read alike"),
        ("[[:alpha:]]", "at character 1: [ is not read alike"),
        ("(a", "is no regular expression: "),
        ("[b-a]", "is no regular expression: bad character range"),
    ],
)
def test_pattern_that_engines_read_differently_is_refused_with_the_place(pattern: str, advice: str) -> None:
    assert (patterns.fault(pattern) or "").startswith(advice)


BAD: dict[str, tuple[Any, str]] = {
    "no object": (["DE"], ""),
    "empty": ({}, ""),
    "unknown combination": ({"$xor": [{"a": 1}]}, "/$xor"),
    "empty list": ({"$or": []}, "/$or"),
    "no list": ({"$and": {"a": 1}}, "/$and"),
    "unknown operator": ({"$or": [{"a": 1}, {"a/b": {"$size": 2}}]}, "/$or/1/a~1b/$size"),
    "an operator of lists": ({"a": {"$elemMatch": {"$eq": 1}}}, "/a/$elemMatch"),
    "saved group": ({"a": {"$inGroup": "g"}}, "/a/$inGroup"),
    "nested attribute": ({"device.os": "ios"}, "/device.os"),
    "nested object": ({"device": {"os": "ios"}}, "/device/os"),
    "list as a value": ({"a": ["DE"]}, "/a"),
    "no operators": ({"a": {}}, "/a"),
    "empty $in": ({"a": {"$in": []}}, "/a/$in"),
    "list in $in": ({"a": {"$in": [["DE"]]}}, "/a/$in"),
    "object in $eq": ({"a": {"$eq": {"b": 1}}}, "/a/$eq"),
    "boolean ordered": ({"a": {"$gt": True}}, "/a/$gt"),
    "number as a version": ({"a": {"$vgt": 2.1}}, "/a/$vgt"),
    "text in $exists": ({"a": {"$exists": "yes"}}, "/a/$exists"),
    "number in $regex": ({"a": {"$regex": 1}}, "/a/$regex"),
    "pattern": ({"a": {"$not": {"$regex": "("}}}, "/a/$not/$regex"),
    "no name": ({"": 1}, "/"),
}


@pytest.mark.parametrize(("condition", "place"), BAD.values(), ids=list(BAD))
def test_what_is_no_condition_is_refused_with_the_place(condition: Any, place: str) -> None:
    (fault,) = faults(condition, patterns.fault, "/audience")

    assert fault.pointer == f"/audience{place}"


def test_condition_that_is_too_deep_or_too_large_is_refused() -> None:
    deep: dict[str, Any] = {"a": 1}
    for _ in range(8):
        deep = {"$not": deep}
    negated: Any = 1
    for _ in range(9):
        negated = {"$not": negated}
    large = {"country": {"$in": ["DE"] * 1_000}}

    assert [each.pointer for each in faults(deep, patterns.fault)] == ["/$not" * 8]
    assert [each.pointer for each in faults({"a": negated}, patterns.fault)] == ["/a" + "/$not" * 8]
    assert [each.detail for each in faults(large, patterns.fault)] == ["may have at most 4096 bytes of JSON"]


def test_versions_are_ordered_as_people_read_them() -> None:
    versions = ["1.0.0-alpha", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0", "1.2.0", "1.10.0", "2.0.0"]

    assert sorted(random.Random(1).sample(versions, len(versions)), key=version_order) == versions
