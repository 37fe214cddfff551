"""Copies of item metadata inside the process."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from streamrec.adapters.redis.values import CachedItem
from streamrec.domain.items.item import Item

MAX_ITEMS = 50_000
"""Some 50 to 100 MB."""

NEAR_TTL_S = 60.0
"""Should word of a change ever get lost, the change is seen after so long anyway."""

_RENEWED_AFTER = 0.5
"""Share of its time after which a copy in use is renewed, so that no request waits for it at its end."""


class _Copy(NamedTuple):
    item: Item
    renewed_at: float
    ends_at: float


class Look(NamedTuple):
    """What was at hand, and the ids of those copies that should be renewed soon."""

    found: dict[str, Item]
    ageing: list[str]


class NearItems:
    """A bounded number of copies; those unused for longest go first. Times are Unix seconds.

    Attributes
    ----------
    epoch
        Grows with every change. What was read before a change may be old, so it is not kept after it.
    """

    def __init__(self, max_items: int = MAX_ITEMS, ttl_s: float = NEAR_TTL_S) -> None:
        self.epoch = 0
        self._max_items = max_items
        self._ttl_s = ttl_s
        self._copies: OrderedDict[str, _Copy] = OrderedDict()

    def find(self, item_ids: Sequence[str], now: float) -> Look:
        """Return the copies of these."""
        look = Look({}, [])
        for item_id in item_ids:
            copy = self._copies.get(item_id)
            # Too long a rest says that the clock was set back.
            if copy is None or not 0 < copy.ends_at - now <= self._ttl_s:
                continue
            look.found[item_id] = copy.item
            self._copies.move_to_end(item_id)
            if copy.renewed_at <= now:
                look.ageing.append(item_id)
        return look

    def keep(self, cached: Mapping[str, CachedItem], epoch: int, now: float) -> None:
        """Keep what was read in `epoch`."""
        if epoch != self.epoch:
            return
        for item_id, entry in cached.items():
            if entry.item is None:
                continue
            self._copies[item_id] = _Copy(
                entry.item, now + self._ttl_s * _RENEWED_AFTER, min(entry.expires_at, now + self._ttl_s)
            )
            self._copies.move_to_end(item_id)
        while len(self._copies) > self._max_items:
            self._copies.popitem(last=False)

    def drop(self, item_ids: Iterable[str]) -> None:
        """Forget these, also where they are just being read."""
        self.epoch += 1
        for item_id in item_ids:
            self._copies.pop(item_id, None)

    def clear(self) -> None:
        """Forget all."""
        self.epoch += 1
        self._copies.clear()
