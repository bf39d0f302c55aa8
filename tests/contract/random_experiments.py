"""Random experiments with their looks, as the domain sees them: from exact sums, without any storage."""

import random
from collections.abc import Iterator
from typing import NamedTuple

from experimentation.domain.clock import DAY_MS
from experimentation.domain.experiment import Analysis as Mode
from experimentation.domain.experiment import Direction, Experiment, Kind, Metric, Role, Status, Variant
from experimentation.domain.results.totals import declared, study_of
from experimentation.domain.statistics.analysis import analyse, take_look
from experimentation.domain.statistics.answer import Analysis
from experimentation.domain.statistics.looks import Look
from experimentation.domain.statistics.study import MetricTotals, Progress, Query, VariantTotals

STARTED_DAY = 20_000
LOOK_EVERY_DAYS = 7


class Answered(NamedTuple):
    """An experiment and what the statistics say of it."""

    experiment: Experiment
    analysis: Analysis


class _Truth(NamedTuple):
    """What one metric does in one variant: the share of users who do it, and how much they do."""

    share: float
    amount: float


class _Population:
    """Users and their totals by variant, growing day by day."""

    def __init__(self, experiment: Experiment, chance: random.Random) -> None:
        self.experiment = experiment
        self.chance = chance
        self.users = dict.fromkeys(experiment.keys, 0)
        self.batches: list[dict[str, int]] = []
        self.users_a_day = round(10 ** chance.uniform(1.7, 3.7))
        self.split = {variant.key: variant.weight for variant in experiment.variants}
        if chance.random() < 0.08:
            self.split[experiment.keys[-1]] //= 2
        self.totals = {
            metric.key: {key: VariantTotals(0, 0, 0, 0, 0) for key in experiment.keys}
            for metric in experiment.metrics
        }
        self.truths = {metric.key: self._truths() for metric in experiment.metrics}

    def _truths(self) -> dict[str, _Truth]:
        base = 10 ** self.chance.uniform(-2.6, -0.2)
        factors = [self.chance.choice((1, 1, self.chance.uniform(0.6, 1.6))) for _ in self.split]
        return {
            key: _Truth(min(1.0, base * factor), 20 * self.chance.choice((1, factor)))
            for key, factor in zip(self.split, factors, strict=True)
        }

    def break_split(self) -> None:
        """Let the last variant lose users from now on, as when its page fails to load."""
        self.split[self.experiment.keys[-1]] //= 3

    def live(self, days: int) -> None:
        """Let so many days pass."""
        for _ in range(days):
            whole = sum(self.split.values())
            joined = {
                key: self.chance.binomialvariate(self.users_a_day, weight / whole)
                for key, weight in self.split.items()
            }
            self.batches.append(joined)
            for variant, users in joined.items():
                self.users[variant] += users
                for metric in self.experiment.metrics:
                    totals = self.totals[metric.key]
                    totals[variant] = self._grown(totals[variant], users, self.truths[metric.key][variant])

    def _grown(self, totals: VariantTotals, users: int, truth: _Truth) -> VariantTotals:
        active = self.chance.binomialvariate(users, truth.share)
        values = [round(self.chance.expovariate(1 / truth.amount)) + 1 for _ in range(min(active, 40))]
        values *= max(1, active // max(1, len(values)))
        return VariantTotals(
            totals.users + users,
            totals.converters + len(values),
            totals.count + len(values),
            totals.sum + sum(values),
            totals.squares + sum(value * value for value in values),
        )

    def counted(self) -> list[MetricTotals]:
        """Return the totals of every metric; a user has at most one event, so counts square to themselves."""
        found = []
        for metric in self.experiment.metrics:
            variants = dict(self.totals[metric.key])
            if metric.kind is not Kind.VALUE:
                variants = {
                    key: VariantTotals(each.users, each.converters, each.count, each.sum, each.count)
                    for key, each in variants.items()
                }
            found.append(MetricTotals(declared(self.experiment, metric), variants))
        return found


def random_experiments(count: int, seed: int) -> Iterator[Answered]:
    """Yield experiments in every state; the same seed gives the same ones."""
    chance = random.Random(seed)
    for number in range(count):
        yield _answered(chance, number)


def _answered(chance: random.Random, number: int) -> Answered:
    experiment = _experiment(chance, number)
    study = study_of(experiment)
    population = _Population(experiment, chance)
    if experiment.status is Status.DRAFT:
        progress = Progress(0, completed=False, users_per_day=None, started=False)
        return Answered(experiment, analyse(study, progress, Query(), {}, population.counted()))
    days, passed, looks = chance.randrange(22), 0, list[Look]()
    while passed + LOOK_EVERY_DAYS <= days:
        population.live(LOOK_EVERY_DAYS)
        if chance.random() < 0.12:
            population.break_split()
        passed += LOOK_EVERY_DAYS
        progress = Progress(passed, completed=False, users_per_day=population.users_a_day)
        looks.append(
            take_look(
                study,
                progress,
                population.users,
                population.counted(),
                population.batches,
                looks,
                STARTED_DAY + passed,
            )
        )
    population.live(days - passed + 1)
    completed = experiment.status is Status.COMPLETED
    paused = experiment.status is Status.PAUSED
    progress = Progress(days, completed, None if completed else population.users_a_day, paused=paused)
    # Without looks: the answer of an experiment whose scheduled function has not run yet.
    kept = looks if chance.random() < 0.8 else []
    arguments = population.users, population.counted(), population.batches, kept
    return Answered(experiment, analyse(study, progress, Query(), *arguments))


def _experiment(chance: random.Random, number: int) -> Experiment:
    weights = chance.choice([(50, 50), (90, 10), (40, 30, 30), (50, 50, 0), (25, 25, 25, 25)])
    keys = ["control", *(f"variant-{index}" for index in range(1, len(weights)))]
    names = chance.random() < 0.5
    status = chance.choices(list(Status), [1, 6, 1, 4])[0]
    started = None if status is Status.DRAFT else STARTED_DAY * DAY_MS
    metrics = tuple(_metric(chance, index, started, named=names) for index in range(chance.randint(1, 4)))
    return Experiment(
        id=f"random-{number}",
        name=f"Random {number}",
        variants=tuple(
            Variant(key, weight * 10_000, name=f"The {key}" if names else None)
            for key, weight in zip(keys, weights, strict=True)
        ),
        control="control",
        metrics=metrics,
        analysis=(mode := chance.choice(list(Mode))),
        planned_users=round(10 ** chance.uniform(2.5, 4.5))
        if mode is Mode.GROUP_SEQUENTIAL or chance.random() < 0.7
        else None,
        minimum_effect=chance.choice([None, "0.05", "0.3"]),
        status=status,
        started_at=started,
        salt=f"random-{number}",
        created_by="admin",
        updated_at=(STARTED_DAY - 1) * DAY_MS,
        created_at=(STARTED_DAY - 1) * DAY_MS,
    )


def _metric(chance: random.Random, index: int, started: int | None, *, named: bool) -> Metric:
    role = Role.PRIMARY if index == 0 else chance.choice(list(Role))
    late = started is not None and index > 0 and chance.random() < 0.15
    return Metric(
        f"metric-{index}",
        f"event-{index}",
        chance.choice(list(Kind)),
        chance.choice(list(Direction)),
        role,
        declared_at=(STARTED_DAY + 2) * DAY_MS if late else (STARTED_DAY - 1) * DAY_MS,
        name=f"Metric {index}" if named else None,
        margin=chance.choice([None, "0.02", "0.5"]) if role is Role.GUARDRAIL else None,
    )
