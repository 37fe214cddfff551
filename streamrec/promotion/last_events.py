"""The newest events of a history, kept back from a training that is judged by them."""

from collections import deque
from collections.abc import Iterable, Iterator

from streamrec.domain.events.interaction import Interaction


class LastEvents:
    """The newest events of a history, kept back from the training.

    >>> last = LastEvents(share=0.2, most=3)
    >>> [event.item_id for event in last.without(Interaction("u", str(n), float(n)) for n in range(10))]
    ['0', '1', '2', '3', '4', '5', '6', '7']
    >>> [event.item_id for event in last.events]
    ['8', '9']
    """

    def __init__(self, share: float, most: int) -> None:
        self._share, self._most = share, most
        self.events: deque[Interaction] = deque()

    def without(self, events: Iterable[Interaction]) -> Iterator[Interaction]:
        """Yield the events before the last ones; only these are in memory."""
        n_events = 0
        for event in events:
            n_events += 1
            self.events.append(event)
            if len(self.events) > self._most:
                yield self.events.popleft()
        n_held = min(self._most, round(n_events * self._share))
        while len(self.events) > n_held:
            yield self.events.popleft()
