"""Ticks: the events that move an item's bars; the others are counted by reason."""

from collections import Counter
from collections.abc import Collection
from functools import cache
from typing import NamedTuple
from zlib import crc32

import numpy as np

from streamrec.domain.bars.minute_table import Ticks
from streamrec.domain.events.weights import RETRACT, EventWeights
from streamrec.process.decoding import DecodedEvents


class TickRules(NamedTuple):
    """Types of events that move an item's bars: of these, all whose weight is not negative.

    What is taken back is no tick, and takes none back: a bar says what happened.

    Without any type named, all types. A value may be any finite number: it need not be a price.

    >>> rules = TickRules(EventWeights({"dislike": -1.0, "impression": 0.0}), frozenset())
    >>> rules.count("trade"), rules.count("impression"), rules.count("dislike")
    (True, True, False)
    """

    weights: EventWeights
    types: frozenset[str] = frozenset()

    def count(self, event_type: str) -> bool:
        """Return whether events of a type count."""
        if event_type == RETRACT or self.weights.of(event_type) < 0:
            return False
        return not self.types or event_type in self.types


class DecodedTicks(NamedTuple):
    """Ticks of a batch; `ignored` says how many of its records hold none, by reason."""

    ticks: Ticks
    ignored: Counter[str]


def ticks_of(decoded: DecodedEvents, rules: TickRules, deleted: Collection[str] = ()) -> DecodedTicks:
    """Return the events that move an item's bars.

    The trainer reports the records that are no events, so here they are only counted.

    Parameters
    ----------
    deleted
        Items whose events do not count.
    """
    item_ids: list[str] = []
    figures: list[tuple[float, float, float, float]] = []
    ignored = Counter(malformed=len(decoded.invalid), erased=decoded.n_erased, repeats=decoded.n_repeats)
    counts, is_any_deleted = cache(rules.count), bool(deleted)
    for event, arrival in zip(decoded.events, decoded.arrivals, strict=True):
        if event.value is None:
            ignored["without_value"] += 1
        elif not counts(event.type):
            ignored["of_other_types"] += 1
        elif is_any_deleted and event.item_id in deleted:
            ignored["deleted"] += 1
        else:
            item_ids.append(event.item_id)
            figures.append((event.timestamp, event.value, arrival, crc32(event.user_id.encode())))
    columns = np.array(figures, np.float64).reshape(len(figures), 4).T.copy()
    return DecodedTicks(Ticks(item_ids, *columns), +ignored)
