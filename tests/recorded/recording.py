"""`python -m tests.recorded.recording` - record a table as this version leaves it, and what it answers.

Later versions read it: do this only when the schema's number grows, into a file of the new number. The story
is one of the simulator's: experiments that run and have ended, segments, exposures, a crossover, sealed days,
ledgers in parts, somebody who was erased.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

from experimentation.domain.statistics.answer import Analysis
from experimentation.storage import assignments, experiments
from experimentation.storage.schema import SCHEMA
from experimentation.usecases.analysing import Question, find
from tests.simulation.environments import ENVIRONMENT, installed
from tests.simulation.world import World

SEED = 12
FOLDER = Path(__file__).parent
FIGURES = ("users", "converters", "count", "sum", "mean", "variance")

type Item = dict[str, Any]


class Recording(NamedTuple):
    """A table's items as DynamoDB has them, the time (milliseconds), and what was answered then."""

    now: int
    retention_days: int
    answers: dict[str, Any]
    items: list[Item]


def path_of(schema: int) -> Path:
    """Return where the recording of a schema is."""
    return FOLDER / f"schema-{schema}.jsonl"


def load(schema: int) -> Recording:
    """Return the recording of a schema."""
    head, *items = (json.loads(line) for line in path_of(schema).read_text().splitlines())
    return Recording(**head, items=items)


def answers(now: int) -> dict[str, Any]:
    """Return, by experiment, who was assigned what, and all figures that results rest on."""
    found = {}
    for name in sorted(experiments.listed()):
        experiment = experiments.read(name, consistent=True)
        segments = [segment.key for segment in experiment.segments]
        findings = [find(experiment, Question(segment=each), now) for each in segments or [None]]
        found[name] = {
            "status": experiment.status.value,
            "assigned": dict(sorted(_assigned(name))),
            "enrolled": findings[0].analysis.enrolled,
            "figures": _figures(findings[0].analysis),
            "segments": {each.label: _figures(each.analysis) for some in findings for each in some.segments},
            "looks": [look.day for look in findings[0].looks],
        }
    answered: dict[str, Any] = json.loads(json.dumps(found))  # as it is read again
    return answered


def _assigned(name: str) -> list[tuple[str, str]]:
    pages = (assignments.page(name, partition, 1_000) for partition in range(assignments.PARTITIONS))
    return [(each.user_id, each.variant) for page in pages for each in page.assignments]


def _figures(analysis: Analysis) -> dict[str, dict[str, list[float]]]:
    return {
        metric.key: {
            variant: [getattr(totals, name) for name in FIGURES]
            for variant, totals in metric.variants.items()
        }
        for metric in analysis.metrics
    }


def record() -> Recording:
    """Play the story, and return what it leaves."""
    world = World(SEED, None)
    settings = ENVIRONMENT | {"RETENTION_DAYS": str(world.size.retention_days)}
    with (
        patch.dict(os.environ, settings),
        installed(world.schedule, world.services(), world.tuning()),
    ):
        world.run()
        now = int(world.schedule.now)
        said: list[Any] = []
        world.api.invoke(lambda _: answers(now), said.append)
        world.schedule.run()
    items = sorted(world.table.items.values(), key=lambda item: (item["PK"]["S"], item["SK"]["S"]))
    return Recording(now, world.size.retention_days, said[0], items)


def main() -> int:
    """Run the command."""
    head = record()._asdict()
    items = head.pop("items")
    lines = [json.dumps(each, ensure_ascii=False, sort_keys=True) for each in (head, *items)]
    path_of(SCHEMA).write_text("".join(f"{line}\n" for line in lines))
    print(f"{path_of(SCHEMA).name}: {len(items)} items, {len(head['answers'])} experiments")
    return 0


if __name__ == "__main__":
    sys.exit(main())
