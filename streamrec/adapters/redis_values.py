"""What stands under our keys in Redis, and on our channel.

::

    <prefix>:item:<item_id>          JSON of `CachedItem`, expires by itself
    <prefix>:popular:<name>          sorted set of item ids by score
    <prefix>:popular-names           set of the names that have one
    <prefix>:neighbours:<item_id>    JSON list of `Neighbours`
    <prefix>:blend                   JSON of `Blend`
    <prefix>:counters                hash of the trainer's counters
    <prefix>:history-span            JSON of `HistorySpan`
    <prefix>:history:<item_id>       hash: slot -> bar, see `streamrec.domain.bar`; expires
    <prefix>:changed-items           channel: JSON of `ChangedItems`
"""

import contextlib
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from streamrec.domain.bar import HeldBars, HistorySpan, unpack
from streamrec.domain.item import Item
from streamrec.domain.neighbour import Neighbours


class CachedItem(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An item, and the Unix seconds when this copy of it ends."""

    item: Item
    expires_at: float


class ChangedItems(msgspec.Struct, frozen=True, array_like=True):
    """Told to all processes that keep copies of items: those of `item_ids` are old.

    `sender` names the cache that says so, and knows it already.
    """

    sender: str
    item_ids: list[str]


encode = msgspec.json.Encoder().encode
decode_changed = msgspec.json.Decoder(ChangedItems).decode
_decode_span = msgspec.json.Decoder(HistorySpan).decode
_decode_one = msgspec.json.Decoder(CachedItem).decode
_decode_neighbours = msgspec.json.Decoder(Neighbours).decode
_decode_all = msgspec.json.Decoder(list[CachedItem]).decode


def decode_items(values: Iterable[bytes | None], now: float) -> dict[str, CachedItem]:
    """Read cached items; those missing or expired are left out, and what is no item of ours too."""
    written = [value for value in values if value is not None]
    try:
        cached = _decode_all(b"[" + b",".join(written) + b"]")
    except (msgspec.DecodeError, UnicodeDecodeError):
        cached = [entry for value in written if (entry := _decoded(value)) is not None]
    return {entry.item.item_id: entry for entry in cached if entry.expires_at > now}


def _decoded(value: bytes) -> CachedItem | None:
    try:
        return _decode_one(value)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None  # of another version, or of another program: read it anew


def decode_neighbours(item_ids: Sequence[str], values: Iterable[bytes | None]) -> dict[str, Neighbours]:
    """Read items' neighbours; what is missing, or of another version, is left out."""
    found = {}
    for item_id, value in zip(item_ids, values, strict=True):
        if value is not None:
            with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError):
                found[item_id] = _decode_neighbours(value)
    return found


def decode_counters(written: Mapping[bytes, bytes]) -> dict[str, float]:
    """Read the counters."""
    return {name.decode(): float(value) for name, value in written.items()}


def decode_history(span: bytes | None, slots: Mapping[bytes, bytes]) -> HeldBars | None:
    """Read an item's history; None where there is none."""
    if span is None or not slots:
        return None
    now, window = msgspec.structs.astuple(_decode_span(span))
    return HeldBars(now, unpack(((int(slot), bar) for slot, bar in slots.items()), window))
