"""Steps 2 and 3 of the loop: records -> ticks; what is none is counted, repeats are dropped."""

from collections import Counter
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple
from zlib import crc32

import numpy as np

from streamrec.domain.bars.minute_table import Ticks
from streamrec.domain.events.erasure import NOTHING_VOID, VoidEvents
from streamrec.domain.events.repeats import RecentIds
from streamrec.domain.events.weights import EventWeights
from streamrec.errors import InvalidEvent
from streamrec.markers import is_marker
from streamrec.ports import Record
from streamrec.wire import decode_event


class TickRules(NamedTuple):
    """Which types of events move an item's history: of these, all whose weight is not negative.

    Without any type named, all types. A value may be any finite number: it need not be a price.

    >>> rules = TickRules(EventWeights({"dislike": -1.0, "impression": 0.0}), frozenset())
    >>> rules.count("trade"), rules.count("impression"), rules.count("dislike")
    (True, True, False)
    """

    weights: EventWeights
    types: frozenset[str] = frozenset()

    def count(self, event_type: str) -> bool:
        """Return whether events of a type count."""
        return self.weights.of(event_type) >= 0 and (not self.types or event_type in self.types)


class DecodedTicks(NamedTuple):
    """What a batch of records holds; `ignored` says how many hold none, by reason.

    `example` says what is wrong with one of those that are no events.
    """

    ticks: Ticks
    ignored: Counter[str]
    example: str = ""


def decode_ticks(
    records: Sequence[Record], repeats: RecentIds, rules: TickRules, void: VoidEvents = NOTHING_VOID
) -> DecodedTicks:
    """Read a batch; events whose id is in `repeats` are dropped, the others' ids are added to it.

    The trainer reports the records that are no events, so here they are only counted.

    Parameters
    ----------
    void
        Events that no longer count: their users were erased after them.
    """
    item_ids: list[str] = []
    figures: list[tuple[float, float, float, float]] = []
    ignored: Counter[str] = Counter()
    example = ""
    counts = cache(rules.count)
    for record in records:
        try:
            event = decode_event(record.value, record.timestamp)
        except InvalidEvent as error:
            if not is_marker(record.value):
                ignored["malformed"] += 1
                example = str(error)
            continue
        if void and void.contains(event.user_id, record.partition, record.offset):
            ignored["erased"] += 1
        elif event.event_id is not None and not repeats.add(event.event_id):
            ignored["repeats"] += 1
        elif event.value is None:
            ignored["without_value"] += 1
        elif not counts(event.type):
            ignored["of_other_types"] += 1
        else:
            item_ids.append(event.item_id)
            figures.append((event.timestamp, event.value, record.timestamp, crc32(event.user_id.encode())))
    columns = np.array(figures, np.float64).reshape(len(figures), 4).T.copy()
    return DecodedTicks(Ticks(item_ids, *columns), ignored, example)
