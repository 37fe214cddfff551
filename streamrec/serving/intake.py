"""Takes events in from outside."""

import time
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from streamrec.domain.events.interaction import Interaction
from streamrec.domain.events.weights import EventWeights
from streamrec.errors import InvalidEvent
from streamrec.ports import INTERACTIONS, EventSink, Message
from streamrec.serving.guard import by_the_log
from streamrec.serving.users.accepted import AcceptedChoices
from streamrec.wire import EventRecord, encode_event, to_interaction


class Taken(NamedTuple):
    """Events that were taken in, and what each type of them weighs."""

    events: Sequence[Interaction]
    weights: EventWeights


class EventIntake:
    """Checks events and appends them to the interactions.

    Parameters
    ----------
    accepted
        Holds what was appended until the trainer has published it.
    weights
        Returns what each type of event weighs for the trainer.
    """

    def __init__(
        self,
        sink: EventSink,
        accepted: AcceptedChoices,
        weights: Callable[[], Awaitable[EventWeights]],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._sink = sink
        self._accepted = accepted
        self._weights = weights
        self._clock = clock

    async def accept(self, records: Sequence[EventRecord]) -> Taken:
        """Append all events or none; they are durable on return.

        Raises
        ------
        InvalidEvent
            When one does not fit, with its position.
        Overloaded
            When the log takes no more for now.
        Unavailable
            When it does not answer in time.
        """
        arrival_s = self._clock()
        events = [_event(position, record, arrival_s) for position, record in enumerate(records)]
        weights = await self._weights()
        await by_the_log(self._append, events, weights)
        return Taken(events, weights)

    def _append(self, events: Sequence[Interaction], weights: EventWeights) -> None:
        self._sink.append(INTERACTIONS, [Message(event.user_id, encode_event(event)) for event in events])
        self._accepted.note(events, weights)


def _event(position: int, record: EventRecord, arrival_s: float) -> Interaction:
    try:
        return to_interaction(record, arrival_s)
    except InvalidEvent as error:
        raise InvalidEvent(error.reason, f"event {position}: {error}") from error
