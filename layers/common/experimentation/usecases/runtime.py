"""What a use case needs of its environment: time, randomness, pauses, and cached experiments."""

import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from experimentation import settings
from experimentation.clock import wall_clock
from experimentation.domain.clock import DAY_MS
from experimentation.domain.counting.retention import GRACE_DAYS
from experimentation.storage import shards
from experimentation.storage.aws.pauses import backoff_seconds
from experimentation.storage.erasures import KnownPseudonyms
from experimentation.storage.experiment_cache import ExperimentCache

CONFLICTS_TO_GROW = 8


@dataclass
class Runtime:
    """One execution environment; `draw` decides which shard it writes to until a conflict draws again."""

    clock: Callable[[], int] = wall_clock
    rng: random.Random = field(default_factory=random.SystemRandom)  # a snapshot would repeat its draws
    sleep: Callable[[float], None] = time.sleep
    experiments: ExperimentCache = field(default_factory=ExperimentCache)
    pseudonyms: KnownPseudonyms = field(default_factory=KnownPseudonyms)
    draw: float = -1.0
    conflicts: Counter[str] = field(default_factory=Counter)

    def shard(self, among: int) -> int:
        """Return the environment's shard of an experiment that has `among` of them."""
        if self.draw < 0:
            self.draw_again()
        return int(self.draw * among)

    def draw_again(self) -> None:
        """Choose another shard at random."""
        self.draw = self.rng.random()

    def note_conflicts(self, contended: Iterable[str]) -> None:
        """Note conflicts on these experiments' counters; where there were many, double the shards."""
        for experiment_id in set(contended):
            self.conflicts[experiment_id] += 1
            if self.conflicts[experiment_id] % CONFLICTS_TO_GROW == 0:
                self.add_shards(experiment_id)

    def add_shards(self, experiment_id: str) -> None:
        """Double an experiment's shards; this environment sees them once it reads the experiment again."""
        shards.double(experiment_id, self.experiments.read(experiment_id, self.clock()).shards)

    def oldest_event(self, now: int) -> int:
        """Return the time before which no event can still be counted."""
        return now - (settings.retention_days() + GRACE_DAYS) * DAY_MS

    def attempts(self, most: int) -> Iterator[int]:
        """Yield the numbers of up to `most` attempts, with a pause before each but the first."""
        for attempt in range(most):
            if attempt:
                self.pause(attempt)
            yield attempt

    def pause(self, attempt: int) -> None:
        """Wait before another attempt, the number `attempt` counted from 0."""
        self.sleep(backoff_seconds(attempt, self.rng))
