"""Values under our keys in Redis, and messages on our channel.

::

    <prefix>:item:<item_id>          JSON of `CachedItem`, expires by itself; see `redis_items`
    <prefix>:popular:<name>          JSON list of `RankedItem`, best first
    <prefix>:popular-names           set of the names that have one
    <prefix>:neighbours:<item_id>    JSON list of `Neighbours`
    <prefix>:fence:<lease>           largest token of the lease that wrote
    <prefix>:blend                   JSON of `Blend`
    <prefix>:counters                hash of the trainer's counters
    <prefix>:report                  JSON of `TrainerReport`
    <prefix>:points:<interval_s>     hash: slot -> JSON of `StatusPoint`
    <prefix>:history-span            JSON of `BarsSpan`
    <prefix>:history:<item_id>       hash: slot -> bar, see `streamrec.domain.bars.bar`; expires
    <prefix>:tallies:<hour>:<name>   hash: item id -> count; expires, as what follows but for `steps-users`
    <prefix>:tally-names:<hour>      set of the names that were counted in an hour
    <prefix>:steps:<user_id>         sorted set: JSON of `Step` by its time
    <prefix>:steps-users             sorted set: user id by the time of the last step
    <prefix>:steps-refused:<user_id> there for as long as no steps of the user are taken
    <prefix>:changed-items           channel: JSON of `ChangedItems`
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from streamrec.domain.bars.bar import HeldBars, decode_span, unpack
from streamrec.domain.items.item import Item
from streamrec.errors import Damaged
from streamrec.payload import decoded
from streamrec.ports import RankedItem

Ranking = Sequence[RankedItem]

_RANKED_AT_ONCE = 20_000
"""Items in one transaction, some 700 KB: what waits in memory on both sides."""


class CachedItem(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An item, and the Unix seconds when this copy of it ends.

    Attributes
    ----------
    item
        None where only the version is known: it is to be read from the store.
    version
        0 in what the version before wrote. It comes last, for `redis_items` to find it.
    """

    item: Item | None
    expires_at: float
    version: int = 0


class ChangedItems(msgspec.Struct, frozen=True, array_like=True):
    """Told to all processes that keep copies of items: those of `item_ids` are old.

    `sender` names the cache that says so, and knows it already.
    """

    sender: str
    item_ids: list[str]


encode = msgspec.json.Encoder().encode
_decode_changed = msgspec.json.Decoder(ChangedItems).decode
_decode_one = msgspec.json.Decoder(CachedItem).decode
_decode_all = msgspec.json.Decoder(list[CachedItem]).decode


def decode_changed(written: bytes) -> ChangedItems:
    """Read which items changed.

    Raises
    ------
    Damaged
        When it does not say so, or in the words of another version.
    """
    return decoded(_decode_changed, written)


def decode_items(item_ids: Sequence[str], values: Iterable[object], now: float) -> dict[str, CachedItem]:
    """Read cached items; those missing or expired are left out, and what is no item of ours too."""
    written = [(item_id, value) for item_id, value in zip(item_ids, values, strict=True) if value is not None]
    try:
        cached = decoded(_decode_all, b"[" + b",".join(value for _, value in written) + b"]")  # type: ignore[misc]
    except (Damaged, TypeError):
        cached = []
    if len(cached) != len(written):
        return _one_by_one(written, now)
    found = {}
    for (item_id, _), entry in zip(written, cached, strict=True):
        if entry.item is not None:
            if entry.item.item_id != item_id:
                return _one_by_one(written, now)
            if entry.expires_at > now:
                found[item_id] = entry
    return found


def _one_by_one(written: Iterable[tuple[str, object]], now: float) -> dict[str, CachedItem]:
    read = ((item_id, _decoded(item_id, value)) for item_id, value in written)
    return {item_id: entry for item_id, entry in read if entry and entry.item and entry.expires_at > now}


def _decoded(item_id: str, value: object) -> CachedItem | None:
    try:
        cached = decoded(_decode_one, value)  # type: ignore[arg-type]  # of a pipeline it may be anything
    except Damaged:
        return None  # of another version, or of another program: read it anew
    return cached if cached.item is None or cached.item.item_id == item_id else None


def present(item_ids: Sequence[str], values: Iterable[bytes | None]) -> list[tuple[str, bytes]]:
    """Return the values that are there, each with its item."""
    return [(item_id, value) for item_id, value in zip(item_ids, values, strict=True) if value is not None]


def decode_counters(written: Mapping[bytes, bytes]) -> dict[str, float]:
    """Read the counters.

    Raises
    ------
    Damaged
        When these are none.
    """
    return decoded(_numbers, written)


def _numbers(written: Mapping[bytes, bytes]) -> dict[str, float]:
    return {name.decode(): float(value) for name, value in written.items()}


def decode_bars(span: bytes | None, slots: Mapping[bytes, bytes]) -> HeldBars | None:
    """Read an item's history; None where there is none.

    Raises
    ------
    Damaged
        When nobody can say how far it reaches. Minutes that can't be read are left out.
    """
    if span is None or not slots:
        return None
    now, window = msgspec.structs.astuple(decode_span(span))
    return HeldBars(now, unpack(((int(slot), bar) for slot, bar in slots.items() if slot.isdigit()), window))


def portions_of(rankings: Mapping[str, Ranking]) -> Iterator[dict[str, Ranking]]:
    """Yield rankings in portions of one transaction each; a large one has a portion of its own."""
    portion: dict[str, Ranking] = {}
    n_items = 0
    for name, ranking in rankings.items():
        if portion and n_items + len(ranking) > _RANKED_AT_ONCE:
            yield portion
            portion, n_items = {}, 0
        portion[name] = ranking
        n_items += len(ranking)
    if portion:
        yield portion
