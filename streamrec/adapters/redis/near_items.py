"""Copies of item metadata inside the process."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from streamrec.adapters.redis.values import CachedItem
from streamrec.domain.items.item import Item
from streamrec.serving.sources.copies import Copies

MAX_ITEMS = 50_000
"""Some 50 to 100 MB."""

NEAR_TTL_S = 60.0
"""Should word of a change ever get lost, the change is seen after so long anyway."""

_RENEWED_AFTER = 0.5
"""Share of its time after which a copy in use is renewed, so that no request waits for it at its end."""


class Look(NamedTuple):
    """Copies at hand, and the ids of those that should be renewed soon."""

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
        self._ttl_s = ttl_s
        self._copies = Copies[tuple[Item, float]](max_items)
        """Items, and when their entries in Redis end."""

    def find(self, item_ids: Sequence[str], now: float) -> Look:
        """Return the copies of these."""
        look = Look({}, [])
        for item_id in item_ids:
            copy = self._copies.get(item_id)
            # One that was read in the future says that the clock was set back.
            if copy is None or not 0 <= now - copy.read_at < self._ttl_s or copy.value[1] <= now:
                continue
            look.found[item_id] = copy.value[0]
            if now - copy.read_at >= self._ttl_s * _RENEWED_AFTER:
                look.ageing.append(item_id)
        return look

    def keep(self, cached: Mapping[str, CachedItem], epoch: int, now: float) -> None:
        """Keep what was read in `epoch`."""
        if epoch != self.epoch:
            return
        found = {
            item_id: (entry.item, entry.expires_at)
            for item_id, entry in cached.items()
            if entry.item is not None
        }
        self._copies.keep(found, now)

    def drop(self, item_ids: Iterable[str]) -> None:
        """Forget these, also where they are just being read."""
        self.epoch += 1
        self._copies.drop(item_ids)

    def clear(self) -> None:
        """Forget all."""
        self.epoch += 1
        self._copies.clear()
