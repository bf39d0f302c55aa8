"""Clients that decide by themselves tell what users met: on time, late, twice, or what nobody can meet."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from functions.exposures import record
from tests.simulation.api import TRY_AGAIN, Answer, call, ms_of, text_of
from tests.simulation.definitions import Document, context, tells_context
from tests.simulation.drawing import drawn
from tests.simulation.environments import Environment
from tests.simulation.schedule import Schedule

HOUR_MS = 3_600_000
DAY_MS = 86_400_000
REFUSED = 422
NOBODY_KNOWS = "nobody-knows"

type Send = Callable[[Callable[[Environment], Answer], Callable[[Answer], None]], None]


class Exposed(NamedTuple):
    """An exposure as one request sent it: what was met, when, and when the API took it."""

    experiment_id: str
    user_id: str
    variant: str
    at: int
    received: int


@dataclass
class Attempt:
    """One request's exposures, which reach the worker together; `is_accepted` where a 202 came back."""

    exposures: list[Exposed]
    is_accepted: bool = False


class Exposer:
    """Sends exposures; `started` says when the start of an experiment was answered."""

    def __init__(
        self,
        schedule: Schedule,
        users: list[str],
        retention_ms: int,
        definitions: dict[str, Document],
        boundaries: list[int],
        unexpected: list[str],
        send: Send,
    ) -> None:
        self.attempts: list[Attempt] = []
        self.started: dict[str, float] = {}
        self._schedule, self._users, self._retention_ms = schedule, users, retention_ms
        self._definitions, self._boundaries, self._unexpected = definitions, boundaries, unexpected
        self._send = send
        self._bodies: list[Document] = []

    def expose(self) -> None:
        """Send some exposures of one user, or of two."""
        chance, now = self._schedule.chance, int(self._schedule.now)
        names = list(self.started) if self.started and chance.random() < 0.98 else list(self._definitions)
        users = chance.sample(self._users, chance.choice([1, 1, 1, 2]))
        name = chance.choice(names)
        drift = chance.choice([-400 * DAY_MS, -HOUR_MS, HOUR_MS]) if chance.random() < 0.1 else 0
        exposures = []
        for _ in range(chance.choice([1, 1, 2, 3])):
            exposures.append(self._exposure(chance.choice(users), name))
            if "timestamp" in exposures[-1]:
                exposures[-1]["timestamp"] = text_of(ms_of(exposures[-1]["timestamp"]) + drift)
            if chance.random() < 0.3:
                name = chance.choice(names)
        body: Document = {"exposures": exposures}
        if drift:
            body["sent_at"] = text_of(now + drift)
        self._bodies.append(body)
        self._send_body(body)

    def expose_again(self) -> None:
        """Send some exposures that were sent before."""
        if self._bodies:
            self._send_body(self._schedule.chance.choice(self._bodies[-20:]))

    def _exposure(self, user_id: str, name: str) -> Document:
        chance = self._schedule.chance
        definition = self._definitions[name]
        variant = drawn(definition, user_id)[1]
        kind = chance.random()
        if kind < 0.2:
            variant = chance.choice([each["key"] for each in definition["variants"]])
        elif kind < 0.21:
            variant = NOBODY_KNOWS
        elif kind < 0.22:
            name = NOBODY_KNOWS
        exposure: Document = {"experiment_id": name, "user_id": user_id, "variant": variant}
        if tells_context(user_id, name):
            exposure["context"] = context(user_id)
        at = self._when()
        if at is not None:
            exposure["timestamp"] = text_of(at)
        return exposure

    def _when(self) -> int | None:
        chance, now = self._schedule.chance, int(self._schedule.now)
        kind, lately = chance.random(), int(self._retention_ms * 0.97)
        if kind < 0.25:
            return now - int(chance.uniform(0, lately))
        if kind < 0.45:
            return now - int(chance.uniform(0, 6 * HOUR_MS))
        if kind < 0.7 and self._boundaries:
            return max(chance.choice(self._boundaries) + chance.randint(-3, 3), now - lately)
        if kind < 0.75:
            return now + int(chance.uniform(0, HOUR_MS))
        return now - self._retention_ms - HOUR_MS if kind < 0.76 else None

    def _send_body(self, body: Document) -> None:
        asked = self._schedule.now
        current: list[Attempt] = []

        def work(environment: Environment) -> Answer:
            attempt = Attempt(self._as_received(body, environment.clock()))
            self.attempts.append(attempt)
            current[:] = [attempt]
            answer = call(record.handler, body=body)
            self._judge(attempt, answer, asked)
            return answer

        def told(answer: Answer) -> None:
            if answer.body != {"accepted": len(body["exposures"])}:
                self._unexpected.append(f"{answer.body} for {body}")
            current[0].is_accepted = True

        self._send(work, told)

    def _as_received(self, body: Document, received: int) -> list[Exposed]:
        drift = received - ms_of(body["sent_at"]) if "sent_at" in body else 0
        return [
            Exposed(
                each["experiment_id"],
                each["user_id"],
                each["variant"],
                max(0, min(ms_of(each["timestamp"]) + drift, received)) if "timestamp" in each else received,
                received,
            )
            for each in body["exposures"]
        ]

    def _judge(self, attempt: Attempt, answer: Answer, asked: float) -> None:
        """Note an answer that is wrong: one bad exposure refuses the request, and nothing else does."""
        if answer.status == TRY_AGAIN:
            return
        is_bad = any(
            each.at < each.received - self._retention_ms or not self._is_known(each)
            for each in attempt.exposures
        )
        are_started = all(self.started.get(each.experiment_id, asked) < asked for each in attempt.exposures)
        if answer.is_success and is_bad:
            self._unexpected.append(f"{answer.status} for {attempt}")
        if answer.status == REFUSED and are_started and not is_bad:
            self._unexpected.append(f"{answer.body} for {attempt}")
        if answer.status == REFUSED:
            self.attempts.remove(attempt)

    def _is_known(self, exposed: Exposed) -> bool:
        definition = self._definitions.get(exposed.experiment_id)
        return definition is not None and exposed.variant in {each["key"] for each in definition["variants"]}
