"""`python -m tools.demo.play FOLDER` - thirty days of the demo's shop, by a clock of its own.

It calls the use cases as the functions do. The emulator runs on the folder meanwhile, which leaves the data
there for `python -m local`.
"""

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from experimentation.clock import wall_clock
from experimentation.domain.bucketing import decide
from experimentation.domain.changes import edited
from experimentation.domain.clock import day_number
from experimentation.domain.counting.event import Event
from experimentation.domain.experiment import Experiment, Status
from experimentation.domain.lifecycle import transition
from experimentation.storage import archive, experiments
from experimentation.storage.event_types import Seen, SeenTypes
from experimentation.usecases.assigning import assign_all
from experimentation.usecases.counting import count_events
from experimentation.usecases.guarding import guard
from experimentation.usecases.runtime import Runtime
from experimentation.usecases.sealing import seal
from experimentation.usecases.tending import take_due_look
from experimentation.web.schemas.experiments import ExperimentCreate, StatusChange
from local.data import Data
from local.emulator import Emulator
from local.paths import TEMPLATE
from local.stack import resolve
from local.template import read_template
from tools.demo.staff import hire
from tools.demo.trial import DAY_MS, MINUTE_MS, UNIT
from tools.demo.world import (
    DAYS,
    HISTORY_DAYS,
    OPENING,
    Act,
    Effect,
    Planned,
    Step,
    Visitor,
    acts,
    is_lost,
    planned,
    visitors,
)


@contextmanager
def opened(folder: Path) -> Iterator[None]:
    """Run the emulator on the folder, with what the functions' environment says as our own."""
    data = Data(folder, reset=True)
    emulator = Emulator(data.folder)
    emulator.start()
    try:
        emulator.wait()
        resolved = resolve(read_template(TEMPLATE), emulator.endpoint)
        for environment in resolved.environments.values():
            os.environ.update(environment)
        os.environ.update(emulator.environment)
        yield
    finally:
        emulator.stop()


@dataclass
class Shop:
    """The shop as it goes through its days; `now` is its clock, in milliseconds."""

    end: int
    say: Callable[[str], object]
    now: int = 0
    plans: list[Planned] = field(default_factory=planned)
    waiting: list[Act] = field(default_factory=list)

    def play(self) -> None:
        """Live through the days; the last one is today, up to `end`."""

        runtime = Runtime(clock=lambda: self.now, sleep=lambda _: None)
        coming = visitors(self.end)
        self.waiting = [
            Act(f"{each.user_id}-h{n}", each.user_id, "purchase", at, value)
            for each in coming
            for n, (at, value) in enumerate(each.history)
        ]
        today = self.end // DAY_MS
        hire((today - DAYS) * DAY_MS + OPENING - MINUTE_MS, self.end)
        for day in range(today - DAYS - HISTORY_DAYS, today + 1):
            self._steps(today - day, day * DAY_MS + OPENING)
            midnight = min((day + 1) * DAY_MS, self.end)
            while coming and coming[0].arrives < midnight:
                self._welcome(coming.pop(0), runtime)
            self.now = midnight
            self._count(runtime)
            self._tend()
            if (left := today - day) < DAYS and left % 5 == 0:
                self.say(f"  {left} days ago" if left else "  today")

    def _steps(self, days_ago: int, at: int) -> None:
        """Create what begins on this day, and take the steps that are due."""
        self.now = at
        for plan in self.plans:
            if days_ago == (plan.steps[0].days_ago if plan.steps else 1):
                sent = ExperimentCreate.model_validate_json(json.dumps(plan.definition))
                experiments.create(sent.experiment(plan.author, at, ""), plan.author)
            for step in plan.steps:
                if step.days_ago == days_ago:
                    _take(step, plan, at + MINUTE_MS)

    def _welcome(self, visitor: Visitor, runtime: Runtime) -> None:
        """Assign a visitor in whatever runs, and note what follows."""

        self.now = visitor.arrives
        by_id = {str(each.definition["id"]): each for each in self.plans}
        running = runtime.experiments.shipped_or({Status.RUNNING}, self.now)
        met = [each for each in running if not _loses(each, by_id[each.id].effect, visitor.user_id)]
        effects = [
            by_id[decision.experiment.id].effect
            for decision in assign_all(met, visitor.user_id, visitor.context, runtime)
            if decision.variant == "treatment"
        ]
        self.waiting += acts(visitor, effects, self.end)

    def _count(self, runtime: Runtime) -> None:
        """Count and archive what has happened by now, in the order in which it did."""

        due = sorted((each for each in self.waiting if each.at < self.now), key=lambda each: each.at)
        self.waiting = [each for each in self.waiting if each.at >= self.now]
        events = [
            Event(
                each.user_id,
                each.event_id,
                each.type,
                each.at,
                each.at,
                round(each.value * UNIT),
                json.dumps(each.properties),
            )
            for each in due
        ]
        outcome = count_events(events, runtime, lambda: True)
        if len(outcome.counted) != len(events):
            raise RuntimeError(f"only {len(outcome.counted)} of {len(events)} events were counted")
        for received, lines in archive.rows(events).items():
            archive.put(received, lines)
        SeenTypes().note((Seen(each.type, day_number(each.at)) for each in events), lambda: True)

    def _tend(self) -> None:
        """Take the day's looks, pause what harms and seal the counters, as the schedules do."""

        for experiment_id in experiments.tended(0):
            experiment = experiments.read(experiment_id, consistent=True)
            take_due_look(experiment, self.now + 10 * MINUTE_MS)
            guard(experiment, lambda: self.now)
            seal(experiment, self.now, lambda: True)


def _take(step: Step, plan: Planned, at: int) -> None:
    change = StatusChange.model_validate_json(json.dumps({"status": step.status, **step.ending}))

    def apply(found: Experiment) -> Experiment:
        return edited(transition(found, change.status, at), change.ending(), at)

    experiments.change(str(plan.definition["id"]), apply, now=at, actor=plan.author, action="status")


def _loses(experiment: Experiment, effect: Effect, user_id: str) -> bool:
    """Tell whether the treatment breaks for this visitor before the assignment is asked for."""
    weights = [(variant.key, variant.weight) for variant in experiment.variants]
    drawn = decide(experiment.salt, user_id, experiment.traffic_allocation, weights)
    return drawn == "treatment" and is_lost(user_id, experiment.id, effect.lost)


def main() -> int:
    """Fill the folder."""
    with opened(Path(sys.argv[1])):
        Shop(wall_clock(), lambda line: sys.stderr.write(line + "\n")).play()
    return 0


if __name__ == "__main__":
    sys.exit(main())
