"""What waits to be written, user by user, and how often each user's writes were refused."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Collection, Iterable

from experimentation.usecases.runtime import Runtime

MAX_TRIES = 8
CONFLICTS_TO_SPLIT = 2  # one may be chance; a user who is written all the time has another


class Waiting[Key](ABC):
    """Users whose work is tried together; those whose conflicts or faults hold up others come alone."""

    def __init__(self) -> None:
        self.attempts: Counter[str] = Counter()
        self.conflicts: Counter[str] = Counter()
        self.alone: set[str] = set()

    @abstractmethod
    def give_up(self, user_id: str) -> set[Key]:
        """Take all that waits of a user off the list, and name it."""

    def pause(self, user_ids: Iterable[str], runtime: Runtime) -> None:
        """Wait before another attempt, the longer the more of them failed."""
        attempt = max(self.attempts[user_id] for user_id in user_ids)
        if attempt:
            runtime.pause(attempt)

    def note_conflict(self, user_id: str) -> None:
        """Count a refused write of this user; from the second on the user comes alone."""
        self.conflicts[user_id] += 1
        if self.conflicts[user_id] >= CONFLICTS_TO_SPLIT:
            self.alone.add(user_id)

    def note_attempt(self, user_ids: Iterable[str]) -> set[Key]:
        """Count a failed attempt of these users; name what is given up because it was the last one."""
        given_up: set[Key] = set()
        for user_id in set(user_ids):
            self.attempts[user_id] += 1
            if self.attempts[user_id] >= MAX_TRIES:
                given_up |= self.give_up(user_id)
        return given_up

    def isolate(self, user_ids: Collection[str]) -> set[Key]:
        """Retry a group's users one at a time; give up, and name, what waits of one who was alone already."""
        if len(user_ids) > 1:
            self.alone.update(user_ids)
            return set()
        return {key for user_id in user_ids for key in self.give_up(user_id)}
