"""The work that waits, user by user, and how often each user's writes were refused."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Collection, Iterable

from experimentation.usecases.runtime import Runtime

MAX_TRIES = 8
CONFLICTS_TO_SPLIT = 2  # one may be chance; a user with many concurrent writes has another


class Waiting[Key](ABC):
    """Users whose work is tried together; a user whose conflicts or faults hold up others is tried alone."""

    def __init__(self) -> None:
        self.attempts: Counter[str] = Counter()
        self.conflicts: Counter[str] = Counter()
        self.alone: set[str] = set()
        self.failed: set[Key] = set()

    @abstractmethod
    def remove(self, user_id: str) -> set[Key]:
        """Remove all work of a user, and return its keys."""

    def give_up(self, user_ids: Iterable[str]) -> None:
        """Remove all work of these users as failed."""
        for user_id in list(user_ids):
            self.failed |= self.remove(user_id)

    def pause(self, user_ids: Iterable[str], runtime: Runtime) -> None:
        """Wait before another attempt, the longer the more of them failed."""
        attempt = max(self.attempts[user_id] for user_id in user_ids)
        if attempt:
            runtime.pause(attempt)

    def note_conflicts(self, user_ids: Iterable[str]) -> None:
        """Count a refused write of each user; after the second the user is tried alone."""
        self.conflicts.update(user_ids)
        self.alone.update(name for name, count in self.conflicts.items() if count >= CONFLICTS_TO_SPLIT)

    def note_attempt(self, user_ids: Iterable[str]) -> None:
        """Count a failed attempt of these users; give up those for whom it was the last."""
        tried = set(user_ids)
        self.attempts.update(tried)
        self.give_up(user_id for user_id in tried if self.attempts[user_id] >= MAX_TRIES)

    def isolate(self, user_ids: Collection[str]) -> None:
        """Retry a group's users one at a time; give up a user who was alone already."""
        if len(user_ids) > 1:
            self.alone.update(user_ids)
        else:
            self.give_up(user_ids)
