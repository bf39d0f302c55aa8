"""Looks: what an experiment showed at the end of each day, kept for good, and the verdict that follows.

A look is taken once and never changed by what arrives later. The first look that says ship or do_not_ship is
the verdict. Source: STATISTICS 4 and 13; the error guarantee of a sequence is about ever crossing, so the
first crossing may stand.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from experimentation.domain.experiment import Analysis
from experimentation.domain.statistics.deciding import Deciding, Figures
from experimentation.domain.statistics.decision import Action
from experimentation.domain.statistics.lift import Interval

LASTING: tuple[Action, ...] = ("ship", "do_not_ship")


class Look(NamedTuple):
    """One look; `day` is the UTC day (since 1970) at whose end it was taken, or in which it was completed.

    `action` and `by_variant` are what this day's figures say, whatever earlier looks decided. `because` names
    the metric that decided, by treatment. `plan_met`: planned_users and min_days were both reached.
    `information` and `bound` (in standard errors) belong to group_sequential; both are None at a look that
    could not have decided and so spent no error rate. `unsafe` names, by treatment, the guardrails that were
    not shown to be within their margin.
    """

    day: int
    completed: bool
    users: Mapping[str, int]
    mismatch: bool
    plan_met: bool
    action: Action
    by_variant: Mapping[str, Action]
    because: Mapping[str, str]
    figures: Figures
    information: float | None = None
    bound: float | None = None
    unsafe: Mapping[str, Sequence[str]] = {}


class Verdict(NamedTuple):
    """What was decided about one treatment, when, by which metric, on which figures.

    `early`: before the plan was met. `fallen` says why later figures take it back; None while it stands.
    """

    treatment: str
    action: Action
    decided_on: int
    metric: str | None
    figures: Deciding | None
    early: bool
    fallen: str | None = None

    @property
    def stands(self) -> bool:
        """Say whether no later figures have taken it back."""
        return self.fallen is None


def verdicts_of(looks: Sequence[Look], today: Look, titles: Mapping[str, str] = {}) -> dict[str, Verdict]:
    """Return, by treatment, the verdict that the looks gave; `today` can take it back but not give one.

    `titles` are what people call the metrics. The look at which a verdict falls, or a later one, can give
    another.
    """
    verdicts = {treatment: _latest_verdict(looks, treatment, titles) for treatment in today.by_variant}
    return {
        treatment: verdict._replace(fallen=verdict.fallen or _objection(verdict, today, titles))
        for treatment, verdict in verdicts.items()
        if verdict is not None
    }


def _latest_verdict(looks: Sequence[Look], treatment: str, titles: Mapping[str, str]) -> Verdict | None:
    """Return the treatment's verdict after all looks, standing or fallen."""
    verdict: Verdict | None = None
    for look in looks:
        if verdict is not None and verdict.stands:
            verdict = _after(verdict, look, titles)
        # After the fall, not before: the look that takes a verdict back may give the opposite one.
        if verdict is None or not (verdict.stands or _repeats_earlier_look(look, treatment)):
            verdict = _verdict_of(look, treatment) or verdict
    return verdict


def new_verdicts(looks: Sequence[Look], look: Look) -> list[Verdict]:
    """Return the verdicts that this look is the first to give."""
    before = verdicts_of(looks, look)
    return [
        verdict
        for treatment, verdict in verdicts_of([*looks, look], look).items()
        if verdict.stands and (treatment not in before or not before[treatment].stands)
    ]


def _after(verdict: Verdict, look: Look, titles: Mapping[str, str]) -> Verdict | None:
    """Return the verdict after a later look: as it was, marked as fallen, or None.

    A fixed plan's later looks repeat the figures that decided, and would give a forgotten verdict again every
    day: it is kept, as fallen. Any other that has fallen is forgotten.
    """
    fallen = _objection(verdict, look, titles)
    if fallen is None:
        return verdict
    figures = _figures(look, verdict.metric, verdict.treatment)
    return verdict._replace(fallen=fallen) if figures is not None and figures.look is not None else None


def document(look: Look) -> dict[str, Any]:
    """Return the look as plain JSON values; `look_of` reads them back."""
    figures = {
        metric: {treatment: each._asdict() for treatment, each in by_treatment.items()}
        for metric, by_treatment in look.figures.items()
    }
    return look._asdict() | {"figures": figures}


def look_of(held: Mapping[str, Any]) -> Look:
    """Return the look that a document holds."""
    figures = {
        metric: {treatment: _deciding(each) for treatment, each in by_treatment.items()}
        for metric, by_treatment in held["figures"].items()
    }
    return Look(**{**held, "figures": figures})


def _verdict_of(look: Look, treatment: str) -> Verdict | None:
    action = look.by_variant.get(treatment)
    metric = look.because.get(treatment)
    if action not in LASTING:
        return None
    return Verdict(treatment, action, look.day, metric, _figures(look, metric, treatment), not look.plan_met)


def _repeats_earlier_look(look: Look, treatment: str) -> bool:
    """Say whether the figures that decide at this look are those of an earlier one."""
    figures = _figures(look, look.because.get(treatment), treatment)
    return figures is not None and figures.look is not None


def _objection(verdict: Verdict, look: Look, titles: Mapping[str, str]) -> str | None:
    """Return why the verdict does not stand on the figures of a later look."""
    if look.mismatch:
        return "users are no longer split as the weights say"
    if verdict.action == "ship" and look.by_variant.get(verdict.treatment) == "do_not_ship":
        harmed = look.because.get(verdict.treatment, "a guardrail")
        return f"{titles.get(harmed, harmed)} is harmed"
    if _has_turned(verdict, look):
        return "the effect has not held: the estimate is now on the other side"
    return None


def _has_turned(verdict: Verdict, look: Look) -> bool:
    """Say whether the estimate has changed its sign since the verdict."""
    figures = _figures(look, verdict.metric, verdict.treatment)
    before = None if verdict.figures is None else verdict.figures.difference
    after = None if figures is None else figures.today
    return before is not None and after is not None and before * after < 0


def _figures(look: Look, metric: str | None, treatment: str) -> Deciding | None:
    return None if metric is None else look.figures.get(metric, {}).get(treatment)


def _deciding(held: Mapping[str, Any]) -> Deciding:
    read: dict[str, Any] = {
        name: Interval(*each) if isinstance(each, list) else each for name, each in held.items()
    }
    return Deciding(**(read | {"analysis": Analysis(held["analysis"])}))
