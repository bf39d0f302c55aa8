"""What may have enrolled users or crossed them over, and what must have: from what was sent, told and drawn.

Requests race, so which of them was the first is what the API shows; that it can have been, and that nothing
which counts is missing, follows from what callers sent.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from typing import NamedTuple

from tests.simulation.api import ms_of
from tests.simulation.clients import STALE_MS, Imported, Told
from tests.simulation.definitions import Document, context, tells_context
from tests.simulation.drawing import drawn
from tests.simulation.exposing import Attempt, Exposed
from tests.simulation.truth import DAY_MS, Truth

LONGEST_REQUEST_MS = 60_000  # until what a killed request has sent is written
CHANGING_MS = 30_000  # from a request to pause until the pause begins
KNOWN_MS = 10_000  # until every environment knows of a change
LATEST = 1 << 50

type Pair = tuple[str, str]
"""Experiment and user."""

type Sent = tuple[Exposed, Attempt]


class Evidence:
    """What callers sent that may have enrolled somebody, by experiment and user."""

    def __init__(self, told: Told) -> None:
        self.exposed: dict[Pair, list[Sent]] = defaultdict(list)
        self.imported: dict[Pair, list[Imported]] = defaultdict(list)
        self.asked: dict[str, list[float]] = defaultdict(list)
        self.latest: dict[str, int] = {}
        for attempt in told.exposed:
            for each in attempt.exposures:
                self.exposed[each.experiment_id, each.user_id].append((each, attempt))
        for row in told.imported:
            self.imported[row.experiment_id, row.user_id].append(row)
        for asked in told.asked:
            self.asked[asked.user_id].append(asked.at)
        for (user_id, _), events in told.sent.items():
            for event in events:
                self.latest[user_id] = max(event.at, self.latest.get(user_id, 0))


class Life(NamedTuple):
    """When an experiment ran; each pause is told by the requests that began and ended it."""

    started_at: int
    ended_at: int
    pauses: list[tuple[int, int]]

    def may_have_run(self, each: Exposed) -> bool:
        """Tell whether an environment may have taken the experiment for running at the exposure."""
        return self.started_at <= each.at < self.ended_at and not any(
            start + CHANGING_MS <= each.at < end and each.received >= start + CHANGING_MS + KNOWN_MS
            for start, end in self.pauses
        )

    def has_run(self, each: Exposed) -> bool:
        """Tell whether every environment must have taken the experiment for running at the exposure."""
        return self.started_at <= each.at < self.ended_at and not any(
            start <= each.at and (each.at < end + CHANGING_MS or each.received < end + CHANGING_MS + KNOWN_MS)
            for start, end in self.pauses
        )


class Origins(NamedTuple):
    """Of one user in one experiment: the draw, and everything that was sent."""

    truth: Truth
    life: Life
    user_id: str
    variant: str
    may_take_part: bool
    must_take_part: bool
    exposed: list[Sent]
    imported: list[Imported]
    asked: list[float]
    latest: int

    def enrolment(self, shown: Document) -> str | None:
        """Say what is wrong with the assignment that is shown; None where what was sent explains it."""
        at, is_late = ms_of(shown["assigned_at"]), shown["late"]
        if shown["imported"]:
            times = [row.at for row in self.imported if row.variant == shown["variant"]]
            is_told = shown["context"] == context(self.user_id)
            return None if is_told and self._fits(at, times, is_late=is_late) else "nobody imported it"
        if shown["variant"] != self.variant or not self.may_take_part:
            return f"{self.variant} was drawn"
        if not is_late and self._was_asked(at) and shown["context"] == context(self.user_id):
            return None
        sent = [each for each, _ in self._enrolling(self.life.may_have_run)]
        wanted = context(self.user_id) if tells_context(self.user_id, self.truth.name) else {}
        if shown["context"] != wanted or not self._fits(at, [each.at for each in sent], is_late=is_late):
            return "nobody exposed it"
        is_hidden = not is_late and _hidden(lambda e: e.at == at, self._must_enrol, self.exposed)
        return "an earlier exposure came with it" if is_hidden else None

    def missing(self) -> Exposed | None:
        """Return an exposure that must have enrolled the user.

        One of an experiment that is over may be refused, where what the user did since does not fit.
        """
        return next(
            (
                each
                for each, attempt in self._enrolling(self.life.has_run)
                if attempt.is_accepted
                and self.must_take_part
                and (self.life.ended_at == LATEST or self.latest < each.at)
            ),
            None,
        )

    def crossover(self, variant: str, at: int) -> str | None:
        """Say what is wrong with a crossover that is shown; None when an exposure explains it."""
        if not any(
            (each.variant, each.at) == (variant, at) for each, _ in self.exposed if self._may_cross(each)
        ):
            return "nobody crossed over"
        is_hidden = _hidden(lambda e: (e.variant, e.at) == (variant, at), self._must_cross, self.exposed)
        return "an earlier exposure came with it" if is_hidden else None

    def crossed(self) -> Exposed | None:
        """Return an exposure that must have made the user cross over.

        Whoever is refused has met no other variant; so none counts where that may have come to pass.
        """
        if self.life.ended_at != LATEST and any(each.variant == self.variant for each, _ in self.exposed):
            return None
        return next((e for e, attempt in self.exposed if attempt.is_accepted and self._must_cross(e)), None)

    def _fits(self, at: int, times: list[int], *, is_late: bool) -> bool:
        """Tell whether it was given for that time; or for an earlier one, if there were events since."""
        return any(given < at and given <= self.latest for given in times) if is_late else at in times

    def _was_asked(self, at: int) -> bool:
        is_enrolling = self.truth.definition["count_from"] == "assignment"
        return is_enrolling and any(
            asked - STALE_MS <= at <= asked + LONGEST_REQUEST_MS for asked in self.asked
        )

    def _enrolling(self, is_running: Callable[[Exposed], bool]) -> Iterator[Sent]:
        for each, attempt in self.exposed:
            if each.variant == self.variant and self.may_take_part and is_running(each):
                yield each, attempt

    def _must_enrol(self, each: Exposed) -> bool:
        return each.variant == self.variant and self.must_take_part and self.life.has_run(each)

    def _own(self) -> set[str]:
        return {row.variant for row in self.imported}

    def _may_cross(self, each: Exposed) -> bool:
        may_be_own = self.must_take_part and each.variant == self.variant and self._own() <= {each.variant}
        return self.life.may_have_run(each) and not may_be_own

    def _must_cross(self, each: Exposed) -> bool:
        is_own = (self.may_take_part and each.variant == self.variant) or each.variant in self._own()
        return self.life.has_run(each) and not is_own


def _hidden(chosen: Callable[[Exposed], bool], counts: Callable[[Exposed], bool], sent: list[Sent]) -> bool:
    """Tell whether every request with the chosen exposure had an earlier one, which should have counted."""
    found = [(each.at, id(attempt)) for each, attempt in sent if chosen(each)]
    earlier = {id(attempt) for each, attempt in sent if counts(each) and each.at < min(found)[0]}
    return {attempt for _, attempt in found} <= earlier


def life_of(truth: Truth, history: list[Document]) -> Life:
    """Return when the experiment ran."""
    changes = sorted(
        (entry["version"], ms_of(entry["at"]), change["to"])
        for entry in history
        for change in entry["changes"]
        if change["field"] == "status"
    )
    last = (0, LATEST, "")
    pauses = [(at, end) for (_, at, to), (_, end, _) in pairwise([*changes, last]) if to == "paused"]
    return Life(truth.started_at or LATEST, truth.ended_at or LATEST, pauses)


def enrolments(
    truth: Truth,
    shown: Document,
    history: list[Document],
    people: Mapping[str, Document],
    evidence: Evidence,
) -> Iterator[str]:
    """Say who is enrolled, or crossed over, by nothing that was sent, or is not although it must be."""
    life = life_of(truth, history)
    for user_id, person in people.items():
        of = _origins(truth, shown, life, user_id, evidence)
        rows = {each["experiment_id"]: each for each in person["assignments"]}
        crossovers = {each["experiment_id"]: each for each in person["crossovers"]}
        mine, crossed = rows.get(truth.name), crossovers.get(truth.name)
        if user_id in truth.definition["overrides"]:
            if mine or crossed:
                yield f"{user_id} is overridden: {mine} {crossed}"
            continue
        sent = [each for each, _ in of.exposed]
        if mine is not None and (wrong := of.enrolment(mine)):
            yield f"{user_id} in {truth.name}: {wrong}, but {mine}; {sent} {of.imported}"
        if mine is None and (missing := of.missing()):
            yield f"{user_id} is not enrolled in {truth.name}, by {missing}"
        if crossed is not None and (wrong := of.crossover(crossed["variant"], ms_of(crossed["at"]))):
            yield f"{user_id} in {truth.name}: {wrong}, but {crossed}; {sent}"
        if crossed is None and (missing := of.crossed()):
            yield f"{user_id} has not crossed over in {truth.name}, by {missing}"


def _origins(truth: Truth, shown: Document, life: Life, user_id: str, evidence: Evidence) -> Origins:
    traffic, variant = drawn(truth.definition, user_id)
    pair, keys = (truth.name, user_id), set(truth.variants)
    return Origins(
        truth,
        life,
        user_id,
        variant,
        may_take_part=traffic < max(truth.definition["traffic_allocation"], shown["traffic_allocation"]),
        must_take_part=traffic < truth.definition["traffic_allocation"],
        exposed=[each for each in evidence.exposed.get(pair, []) if each[0].variant in keys],
        imported=evidence.imported.get(pair, []),
        asked=evidence.asked.get(user_id, []),
        latest=evidence.latest.get(user_id, 0),
    )


def caveats(
    truth: Truth, people: Mapping[str, Document], last: int, late: Document, crossovers: Document
) -> Iterator[str]:
    """Compare the numbers of late users and of crossovers in results up to a day with those of the people."""
    found = {"late": Counter[str](), "crossovers": Counter[str]()}
    for person in people.values():
        rows = [(each, "assigned_at") for each in person["assignments"] if each["late"]]
        for name, dated in (("late", rows), ("crossovers", [(each, "at") for each in person["crossovers"]])):
            found[name].update(
                each["variant"]
                for each, field in dated
                if each["experiment_id"] == truth.name and ms_of(each[field]) // DAY_MS <= last
            )
    for name, shown in (("late", late), ("crossovers", crossovers)):
        wanted = {key: found[name][key] for key in truth.variants}
        if shown != wanted:
            yield f"{name} in {truth.name}: {shown}, not {wanted}"
