"""Experiments cached for a few seconds, so that a busy environment does not read them for every request."""

from collections.abc import Collection, Iterable

from experimentation.domain.experiment import Experiment, Status
from experimentation.domain.lifecycle import CACHE_TTL_MS
from experimentation.storage import experiments
from experimentation.storage.cached import Cached
from experimentation.storage.experiments import Listed

LIST_TTL_MS = 30_000  # how late a start is noticed by a call that names no experiment


class ExperimentCache:
    """Experiments cached in one environment for `max_age_ms`, and their list for LIST_TTL_MS.

    `now` is the caller's time before the read, so an age is never underestimated. Absence is not cached, and
    drafts only for `shipped_or`: a call that names an experiment sees its creation and its start at once.
    """

    def __init__(self, max_age_ms: int = CACHE_TTL_MS) -> None:
        self._started: Cached[str, Experiment] = Cached(max_age_ms)
        self._drafts: Cached[str, Experiment] = Cached(max_age_ms)
        self._listed: Cached[None, dict[str, Listed]] = Cached(LIST_TTL_MS)

    def read(self, experiment_id: str, now: int) -> Experiment:
        """Return the experiment; NotFoundError when there is none."""
        found = self._started.fresh(experiment_id, now)
        if found is None:
            found = experiments.read(experiment_id, consistent=True)
            self._keep(found, now)
        return found

    def read_many(self, experiment_ids: Iterable[str], now: int) -> dict[str, Experiment]:
        """Return those of the experiments that exist, by id, with one call for all that are not fresh."""
        wanted = list(dict.fromkeys(experiment_ids))
        found = self._started.fresh_among(wanted, now)
        missing = [name for name in wanted if name not in found]
        if missing:
            read = experiments.read_many(missing)
            for each in read.values():
                self._keep(each, now)
            found |= read
        return {name: found[name] for name in wanted if name in found}

    def shipped_or(self, statuses: Collection[Status], now: int) -> list[Experiment]:
        """Return the experiments that have one of the statuses or a shipped variant, newest first."""
        listed = self._listed.fresh(None, now)
        if listed is None:
            listed = self._listed.keep(None, now, experiments.listed())
        names = [name for name, each in listed.items() if each.shipped or each.status in statuses]
        found = self._read_with_drafts(names, now)
        # Filter again: the list may be older than the experiments.
        return [each for each in found if each.ship is not None or each.status in statuses]

    def clear(self) -> None:
        """Forget everything."""
        for cache in (self._started, self._drafts, self._listed):
            cache.clear()

    def _read_with_drafts(self, names: list[str], now: int) -> list[Experiment]:
        """Return the experiments of these names that exist, in their order, from the cached drafts too."""
        drafts = self._drafts.fresh_among(names, now)
        read = self.read_many((name for name in names if name not in drafts), now)
        for name, experiment in read.items():
            if experiment.status is Status.DRAFT:
                self._drafts.keep(name, now, experiment)
        found = drafts | read
        return [found[name] for name in names if name in found]

    def _keep(self, experiment: Experiment, now: int) -> None:
        if experiment.status is not Status.DRAFT:
            self._started.keep(experiment.id, now, experiment)
