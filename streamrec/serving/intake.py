"""Takes events in from outside."""

import asyncio
import time
from collections.abc import Callable, Sequence

from streamrec.errors import InvalidEvent
from streamrec.ports import INTERACTIONS, EventSink, Message
from streamrec.wire import EventRecord, encode_event, to_interaction


class EventIntake:
    """Checks events and appends them to the interactions."""

    def __init__(self, sink: EventSink, clock: Callable[[], float] = time.time) -> None:
        self._sink = sink
        self._clock = clock

    async def accept(self, records: Sequence[EventRecord]) -> None:
        """Append all events or none; they are durable on return.

        Raises
        ------
        InvalidEvent
            When one does not fit, with its position.
        Overloaded
            When the log takes no more for now.
        """
        arrival_s = self._clock()
        messages = [_message(position, record, arrival_s) for position, record in enumerate(records)]
        await asyncio.to_thread(self._sink.append, INTERACTIONS, messages)


def _message(position: int, record: EventRecord, arrival_s: float) -> Message:
    try:
        event = to_interaction(record, arrival_s)
    except InvalidEvent as error:
        raise InvalidEvent(error.reason, f"event {position}: {error}") from error
    return Message(event.user_id, encode_event(event))
