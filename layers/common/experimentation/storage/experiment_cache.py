"""Experiments kept for a few seconds, so that a busy environment does not read them for every request."""

from collections.abc import Collection, Iterable, Mapping

from experimentation.domain.experiment import Experiment, Status
from experimentation.domain.lifecycle import CACHE_TTL_MS
from experimentation.storage import experiments

LIST_TTL_MS = 30_000  # how late a start is noticed where all are meant


class ExperimentCache:
    """What one environment knows: no experiment older than `max_age_ms`, no list older than LIST_TTL_MS.

    `now` is the caller's time before the read, so an age is never underestimated. What does not exist is not
    kept, and drafts are kept for `in_status` alone: a new experiment is there at once, and so is its start to
    whoever names it.
    """

    def __init__(self, max_age_ms: int = CACHE_TTL_MS) -> None:
        self._max_age_ms = max_age_ms
        self._kept: dict[str, tuple[int, Experiment]] = {}
        self._drafts: dict[str, tuple[int, Experiment]] = {}
        self._listed: tuple[int, dict[str, Status]] | None = None

    def read(self, experiment_id: str, now: int) -> Experiment:
        """Return the experiment; NotFoundError when there is none."""
        found = self._fresh(self._kept, experiment_id, now)
        if found is None:
            found = experiments.read(experiment_id, consistent=True)
            self._keep([found], now)
        return found

    def read_many(self, experiment_ids: Iterable[str], now: int) -> dict[str, Experiment]:
        """Return those of the experiments that exist, by id, with one call for all that are not fresh."""
        wanted = list(dict.fromkeys(experiment_ids))
        found = {name: kept for name in wanted if (kept := self._fresh(self._kept, name, now)) is not None}
        missing = [name for name in wanted if name not in found]
        if missing:
            read = experiments.read_many(missing)
            self._keep(read.values(), now)
            found |= read
        return {name: found[name] for name in wanted if name in found}

    def running(self, now: int) -> list[Experiment]:
        """Return the running experiments, newest first."""
        return self.in_status({Status.RUNNING}, now)

    def in_status(self, statuses: Collection[Status], now: int) -> list[Experiment]:
        """Return the experiments that have one of the statuses, newest first."""
        if self._listed is None or not 0 <= now - self._listed[0] < LIST_TTL_MS:
            self._listed = (now, experiments.statuses())
        ids = [experiment_id for experiment_id, status in self._listed[1].items() if status in statuses]
        drafts = {name: kept for name in ids if (kept := self._fresh(self._drafts, name, now)) is not None}
        found = drafts | self.read_many((name for name in ids if name not in drafts), now)
        read = {name: (now, each) for name, each in found.items() if name not in drafts}
        self._drafts |= {name: kept for name, kept in read.items() if kept[1].status is Status.DRAFT}
        return [found[name] for name in ids if name in found and found[name].status in statuses]

    def clear(self) -> None:
        """Forget everything."""
        self._kept.clear()
        self._drafts.clear()
        self._listed = None

    def _keep(self, read: Iterable[Experiment], now: int) -> None:
        self._kept |= {each.id: (now, each) for each in read if each.status is not Status.DRAFT}

    def _fresh(
        self, kept: Mapping[str, tuple[int, Experiment]], experiment_id: str, now: int
    ) -> Experiment | None:
        read_at, experiment = kept.get(experiment_id, (None, None))
        return experiment if read_at is not None and self._is_fresh(read_at, now) else None

    def _is_fresh(self, read_at: int, now: int) -> bool:
        return 0 <= now - read_at < self._max_age_ms
