"""Counting a batch of messages: their exposures, then their events."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from experimentation.domain.clock import day_number
from experimentation.domain.errors import UnavailableError
from experimentation.storage.event_types import Seen
from experimentation.storage.queue_message import Message
from experimentation.usecases import counting, exposing
from experimentation.usecases.runtime import Runtime


@dataclass(frozen=True, slots=True)
class Counted:
    """The results of the events and of the exposures of a batch."""

    messages: Mapping[str, Message]
    events: counting.Outcome
    exposures: exposing.Outcome

    @property
    def has_progress(self) -> bool:
        """Tell whether any record is settled."""
        return bool(self.events.counted or self.events.duplicates or self.exposures.fates)

    @property
    def outage(self) -> UnavailableError | None:
        """Return why the store did not answer the last attempt, None where it did."""
        return self.events.outage or self.exposures.outage

    @property
    def failed(self) -> set[str]:
        """Return the ids of the messages with a record that is not stored yet."""
        return {name for name, message in self.messages.items() if self._is_failed(message)}

    @property
    def types(self) -> list[Seen]:
        """Return the types of the events that are stored.

        Duplicates too: the attempt that stored them may have ended before it noted their types.
        """
        uncounted = {(event.user_id, event.event_id) for event in self.events.uncounted}
        return [
            Seen(event.type, day_number(event.at), (event.user_id, event.event_id) not in uncounted)
            for message in self.messages.values()
            for event in message.events
            if (event.user_id, event.event_id) not in self.events.failed
        ]

    def _is_failed(self, message: Message) -> bool:
        events = ((event.user_id, event.event_id) in self.events.failed for event in message.events)
        exposures = (
            (exposure.user_id, exposure.experiment_id) in self.exposures.failed
            for exposure in message.exposures
        )
        return any(events) or any(exposures)


def count_messages(
    messages: Mapping[str, Message], runtime: Runtime, has_time: Callable[[], bool]
) -> Counted:
    """Count the records of the messages, by their ids, each exactly once."""
    exposures = [exposure for message in messages.values() for exposure in message.exposures]
    events = [event for message in messages.values() for event in message.events]
    # Exposures first: enrolling a user before their first event is counted has no event to read again.
    exposed = exposing.enrol_exposed(exposures, runtime, has_time)
    return Counted(messages, counting.count_events(events, runtime, has_time), exposed)
