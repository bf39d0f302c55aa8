"""One truth on every surface: sentence, summary, full answer and console never contradict each other."""

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple, get_args

import pytest
from pydantic import TypeAdapter

from experimentation.domain.results import report
from experimentation.domain.statistics.decision import Action, Tendency
from experimentation.domain.statistics.summary import ADVICE, CAUTIONS
from local.paths import ROOT
from reference.schemas.results import FullResults, SummaryResults
from tests.contract.random_experiments import random_experiments

type Json = dict[str, Any]
type Badge = tuple[str, str]

EXPERIMENTS = 200
FRIENDLY = {"good", "accent"}
UNFRIENDLY = {"bad", "warn"}


class Surfaces(NamedTuple):
    """What the API answers about one experiment."""

    full: Json
    summary: Json

    @property
    def action(self) -> str | None:
        """Return the recommendation in one word."""
        advice = self.full["recommendation"]
        return None if advice is None else advice["action"]


class Compared(NamedTuple):
    """One comparison with where it stands."""

    surfaces: Surfaces
    metric: Json
    treatment: str
    comparison: Json


@pytest.fixture(scope="module")
def answered() -> list[Surfaces]:
    """Every surface of many experiments, as JSON."""
    return [
        Surfaces(
            json.loads(json.dumps(report.full(experiment, analysis, None, None, chosen_window=False))),
            json.loads(json.dumps(report.summary(experiment, analysis, None))),
        )
        for experiment, analysis in random_experiments(EXPERIMENTS, seed=14)
    ]


def _compared(answered: list[Surfaces]) -> Iterator[Compared]:
    for surfaces in answered:
        for metric in surfaces.full["metrics"]:
            for treatment, comparison in metric["comparisons"].items():
                yield Compared(surfaces, metric, treatment, comparison)


def _console_words(table: str) -> dict[str, Badge]:
    """Return a table of the console's words: word -> (text, how serious it looks)."""
    text = (ROOT / "console" / "words.js").read_text()
    found = re.search(rf"^export const {table} = \{{\n(.*?)^\}};$", text, re.DOTALL | re.MULTILINE)
    assert found is not None
    rows = [
        re.fullmatch(r'  (\w+): \["([^"]+)", "(|good|bad|warn|accent)"\],', line)
        for line in found[1].splitlines()
    ]
    assert all(rows)
    return {row[1]: (row[2], row[3]) for row in rows if row is not None}


def _excludes_zero(interval: list[float]) -> bool:
    return interval[0] > 0 or interval[1] < 0


def test_every_state_is_among_the_experiments(answered: list[Surfaces]) -> None:
    actions = {surfaces.action for surfaces in answered}
    kinds = {each.comparison["quoted"]["kind"] for each in _compared(answered)}
    verdicts = [v for s in answered if s.full["recommendation"] for v in s.full["recommendation"]["verdicts"]]

    assert actions == {None, *get_args(Action.__value__)}
    assert kinds == set(CAUTIONS)
    assert {each["action"] for each in verdicts} == {"ship", "do_not_ship"}
    assert {each["fallen"] is None for each in verdicts} == {True, False}


def test_the_answers_are_what_the_reference_describes(answered: list[Surfaces]) -> None:
    full, summary = TypeAdapter(FullResults), TypeAdapter(SummaryResults)

    for surfaces in answered:
        full.validate_json(json.dumps(surfaces.full), strict=True)
        summary.validate_json(json.dumps(surfaces.summary), strict=True)


@pytest.mark.parametrize("member", ["quoted", "deciding"])
def test_an_interval_excludes_zero_exactly_when_its_p_value_is_below_alpha(
    answered: list[Surfaces], member: str
) -> None:
    checked = 0
    for each in _compared(answered):
        figures = each.comparison[member]
        if figures is None or figures["interval"] is None or figures["p_value"] is None:
            continue
        checked += 1
        assert _excludes_zero(figures["interval"]) == (figures["p_value"] < figures["alpha"]), each
        if figures["lift_interval"] is not None:
            assert _excludes_zero(figures["lift_interval"]) == _excludes_zero(figures["interval"]), each
    assert checked > EXPERIMENTS / 2


def test_every_estimate_lies_within_its_own_interval(answered: list[Surfaces]) -> None:
    for each in _compared(answered):
        for member in ("quoted", "deciding"):
            figures = each.comparison[member] or {"interval": None, "lift_interval": None}
            for value, interval in (("difference", "interval"), ("lift", "lift_interval")):
                if figures[interval] is not None and figures[value] is not None:
                    low, high = figures[interval]
                    assert low <= figures[value] <= high, each


def test_what_holds_on_any_day_is_the_same_wherever_it_stands(answered: list[Surfaces]) -> None:
    checked = 0
    for each in _compared(answered):
        valid, cuped = each.comparison["always_valid"], each.comparison["cuped"]
        if valid is not None:
            checked += 1
            assert (cuped["adjusted"] if cuped["decides"] else cuped["unadjusted"])["always_valid"] == valid
    assert checked > EXPERIMENTS / 4


def test_a_harmed_guardrail_is_neither_safe_nor_without_a_reason(answered: list[Surfaces]) -> None:
    harmed = [each for each in _compared(answered) if (each.comparison["guard"] or {}).get("harmed")]

    assert harmed
    for each in harmed:
        assert each.comparison["guard"]["safe"] is False
        advice = each.surfaces.full["recommendation"]
        if advice["action"] == "do_not_ship":
            name = each.metric["name"] or each.metric["key"]
            assert any(f"guardrail metric {name} is worse" in reason for reason in advice["reasons"])


def test_every_treatment_not_to_ship_is_named_in_the_sentence(answered: list[Surfaces]) -> None:
    named = 0
    for surfaces in answered:
        advice = surfaces.full["recommendation"]
        if advice is None or advice["action"] in {"do_not_ship", "investigate_srm"}:
            continue
        bad = [key for key, action in advice["by_variant"].items() if action == "do_not_ship"]
        said = re.search(r" Do not ship ([^.]*)\.", surfaces.full["summary"])
        titles = [] if said is None else said[1].split(", ")
        named += len(titles)
        assert [title.removeprefix("The ") for title in titles] == bad
        assert all(any(each.startswith(f"{title}: ") for each in advice["reasons"]) for title in titles)
    assert named


def test_people_read_plain_numbers(answered: list[Surfaces]) -> None:
    for surfaces in answered:
        advice = surfaces.full["recommendation"] or {"reasons": []}
        assert not re.search(r"\de[+-]?\d", " ".join([surfaces.full["summary"], *advice["reasons"]]))


def test_what_decides_is_what_is_quoted(answered: list[Surfaces]) -> None:
    for each in _compared(answered):
        quoted, deciding = each.comparison["quoted"], each.comparison["deciding"]
        if deciding is not None and deciding["decides"]:
            names = "difference", "interval", "p_value", "alpha", "lift", "lift_interval"
            assert quoted["kind"] == deciding["method"]
            assert [quoted[name] for name in names] == [deciding[name] for name in names]
            assert deciding["significant"] == (deciding["p_value"] < deciding["alpha"])
        if each.metric["late"]:
            assert deciding is None
            assert quoted["kind"] in {"shown", "small"}


def test_the_summary_quotes_the_full_answer(answered: list[Surfaces]) -> None:
    for full, summary in answered:
        metrics = {metric["key"]: metric for metric in full["metrics"]}
        assert [summary[name] for name in ("summary", "recommendation", "srm", "status")] == [
            full[name] for name in ("summary", "recommendation", "srm", "status")
        ]
        for variant, headline in summary["variants"].items():
            metric = metrics[headline["metric"]]
            assert not metric["late"]
            comparison = metric["comparisons"].get(variant)
            assert headline["metric_name"] == metric["name"]
            assert headline["enrolled"] == full["enrolled"][variant]
            assert headline["mean"] == metric["variants"][variant]["mean"]
            if comparison is None:
                assert variant == full["control"]
                continue
            quoted = comparison["quoted"]
            assert (headline["lift"], headline["lift_interval"], headline["interval_kind"]) == (
                quoted["lift"],
                quoted["lift_interval"],
                quoted["kind"],
            )
            assert (headline["tendency"], headline["confidence"]) == (
                comparison["tendency"],
                comparison["confidence"],
            )


def test_the_sentence_ends_with_the_recommendation(answered: list[Surfaces]) -> None:
    for surfaces in answered:
        sentence, action = surfaces.full["summary"], surfaces.action
        if action is None:
            assert surfaces.full["status"] == "draft"
            assert sentence == "It has not started."
            continue
        said = [word for word, advice in ADVICE.items() if sentence.endswith(f"{advice}.")]
        days = surfaces.full["recommendation"]["days_left"]
        if days:
            assert f"{ADVICE['keep_running']}, about {days} more day" in sentence
            said = ["keep_running"]
        assert said == [action], sentence


def test_a_sentence_names_an_effect_only_where_an_interval_shows_one(answered: list[Surfaces]) -> None:
    named = 0
    for surfaces in answered:
        sentence, advice = surfaces.full["summary"], surfaces.full["recommendation"]
        verb = re.search(r" (raises|lowers) (.+?) by ", sentence)
        if verb is None:
            continue
        named += 1
        assert surfaces.action != "investigate_srm"
        decided = [v["interval"] for v in advice["verdicts"] if v["fallen"] is None]
        quoted = [
            each.comparison["quoted"]
            for each in _compared([surfaces])
            if verb[2] in {each.metric["name"], each.metric["key"]}
        ]
        sure = [each["interval"] for each in quoted if each["kind"] not in {"small", "shown"}] + decided
        side = {"raises": lambda each: each[0] > 0, "lowers": lambda each: each[1] < 0}[verb[1]]
        assert any(each is not None and side(each) for each in sure), sentence
    assert named > EXPERIMENTS / 10


def test_a_mismatch_leads_and_names_no_effect(answered: list[Surfaces]) -> None:
    off = [each for each in answered if each.full["srm"]["status"] == "mismatch" and each.action]

    assert off
    for surfaces in off:
        assert surfaces.action == "investigate_srm"
        assert surfaces.full["summary"].startswith("Do not read these results")
        assert "%" not in surfaces.full["summary"]
        assert {each.comparison["tendency"] for each in _compared([surfaces])} == {"unclear"}
    assert all(each.action != "investigate_srm" for each in answered if each not in off)


def test_completed_never_says_keep_running_and_running_never_says_it_ended(answered: list[Surfaces]) -> None:
    for surfaces in answered:
        text = json.dumps(surfaces.full).lower()
        if surfaces.full["status"] == "completed":
            assert "keep running" not in text
            assert "keep_running" not in text
            assert surfaces.full["recommendation"]["days_left"] is None
        else:
            assert surfaces.action != "no_verdict"
            assert "ended too early" not in text


def test_a_verdict_has_the_direction_of_the_metric_that_decided(answered: list[Surfaces]) -> None:
    checked = 0
    for each in _compared(answered):
        advice = each.surfaces.full["recommendation"]
        if advice is None or advice["because"].get(each.treatment) != each.metric["key"]:
            continue
        checked += 1
        action = advice["by_variant"][each.treatment]
        kept = any(v["variant"] == each.treatment and v["fallen"] is None for v in advice["verdicts"])
        right, wrong = ("better", "worse") if action == "ship" else ("worse", "better")
        assert action in {"ship", "do_not_ship"}
        assert each.comparison["tendency"] != wrong
        if not kept:
            assert each.comparison["tendency"] == right, each
    assert checked


def test_a_proven_difference_is_never_called_unclear(answered: list[Surfaces]) -> None:
    for each in _compared(answered):
        deciding = each.comparison["deciding"]
        if deciding is not None and deciding["significant"] and each.comparison["confidence"] != "low":
            assert each.comparison["confidence"] == "significant"
            assert each.comparison["tendency"] != "unclear"
        if each.comparison["confidence"] == "significant":
            assert deciding["significant"]


def test_one_recommendation_follows_from_those_of_the_variants(answered: list[Surfaces]) -> None:
    for surfaces in answered:
        advice = surfaces.full["recommendation"]
        if advice is None:
            continue
        assert advice["action"] in advice["by_variant"].values()
        assert (advice["variant"] is not None) == (advice["action"] == "ship")
        if advice["variant"] is not None:
            assert advice["by_variant"][advice["variant"]] == "ship"
        standing = [each for each in advice["verdicts"] if each["fallen"] is None]
        for verdict in standing:
            if advice["action"] != "investigate_srm":
                assert advice["by_variant"][verdict["variant"]] == verdict["action"]


def test_the_console_has_a_word_for_every_word_of_the_api() -> None:
    assert set(_console_words("ACTION")) == set(get_args(Action.__value__))
    assert set(_console_words("TENDENCY")) == set(get_args(Tendency.__value__))
    assert set(_console_words("PROVEN")) == set(get_args(Tendency.__value__))
    assert {word: text for word, (text, _) in _console_words("QUOTED").items()} == CAUTIONS


def test_the_console_says_what_the_sentence_says_and_looks_like_it() -> None:
    actions = _console_words("ACTION")

    for action, (text, kind) in actions.items():
        advice = ADVICE[action].removeprefix("Recommendation: ").lower()
        first = text.lower().split(":")[0]
        assert first.split(" is ")[0] in advice, (text, advice)
        if action in {"do_not_ship", "investigate_srm"}:
            assert kind == "bad"
    assert [action for action, (_, kind) in actions.items() if kind == "good"] == ["ship"]
    assert "running" not in actions["no_verdict"][0].lower()
    for table in ("TENDENCY", "PROVEN"):
        words = _console_words(table)
        assert words["worse"][1] in UNFRIENDLY
        assert words["better"][1] in FRIENDLY
        assert words["unclear"][1] == ""
    assert _console_words("HARMED")["true"][1] == "bad"
