"""What a use case needs of the world: the time, chance, a pause, and how long it may take."""

import random
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from experimentation.storage import shards
from experimentation.storage.experiment_cache import ExperimentCache

FIRST_PAUSE_SECONDS = 0.02
LONGEST_PAUSE_SECONDS = 2.0
CONFLICTS_TO_GROW = 8


def wall_clock() -> int:
    """Return the milliseconds since 1970."""
    return time.time_ns() // 1_000_000


@dataclass
class Runtime:
    """One execution environment; `draw` decides which shard it writes to until a conflict draws again."""

    clock: Callable[[], int] = wall_clock
    chance: random.Random = field(default_factory=random.SystemRandom)  # a snapshot would repeat its draws
    sleep: Callable[[float], None] = time.sleep
    experiments: ExperimentCache = field(default_factory=ExperimentCache)
    draw: float = -1.0
    conflicts: Counter[str] = field(default_factory=Counter)

    def shard(self, among: int) -> int:
        """Return the environment's shard of an experiment that has `among` of them."""
        if self.draw < 0:
            self.draw_again()
        return int(self.draw * among)

    def draw_again(self) -> None:
        """Choose another shard at random."""
        self.draw = self.chance.random()

    def make_room(self, crowded: Iterable[str]) -> None:
        """Note conflicts on experiments' counters; where there were many, double the shards."""
        for experiment_id in set(crowded):
            self.conflicts[experiment_id] += 1
            if self.conflicts[experiment_id] % CONFLICTS_TO_GROW == 0:
                shards.double(experiment_id, self.experiments.read(experiment_id, self.clock()).shards)

    def pause(self, tried: int) -> None:
        """Wait before another try: full jitter, doubled each time."""
        longest = min(FIRST_PAUSE_SECONDS * 2**tried, LONGEST_PAUSE_SECONDS)
        self.sleep(self.chance.uniform(0, longest))
