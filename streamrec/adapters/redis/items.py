"""Cached items in Redis: a version never replaces a newer one, in whatever order they are written."""

from collections.abc import Iterator, Mapping, Sequence

from streamrec.adapters.redis.values import CachedItem, encode
from streamrec.domain.items.item import Item

ITEM_TTL_S = 300.0
"""Whoever changes the store and does not tell the cache is heard after so long."""

HIDDEN_KEPT_S = 7 * 86_400.0
"""A hidden item is known as such for so long after it was last read, should the store be away."""

CHANNEL = "changed-items"

ITEMS_AT_ONCE = 200
"""In one call of the script: less than a millisecond, during which Redis answers nobody else."""

WRITE = """
local taken = {}
for number, key in ipairs(KEYS) do
  local value, version, ttl_ms = ARGV[3 * number - 2], ARGV[3 * number - 1], ARGV[3 * number]
  local held = redis.pcall('GET', key)
  if type(held) == 'table' then
    held = false -- of another kind, so no item: it is written over
  end
  local held_version = 0
  if held then
    held_version = tonumber(string.match(string.sub(held, -24), ',(%d+)%]$') or '0')
  end
  if tonumber(version) >= held_version then
    local reply = redis.pcall('SET', key, value, 'PX', ttl_ms)
    if type(reply) == 'table' and reply.err then
      -- In its own words, READONLY first: by that the client knows that it has to connect anew.
      return redis.error_reply(string.match(reply.err, '%-(%u+ .*)') or reply.err)
    end
    taken[number] = held or ''
  else
    taken[number] = false
  end
end
return taken
"""
"""Writes `CachedItem`s, three arguments a key: value, version and milliseconds to live.

Returns by key what was there before, or nothing where a newer version stays. The version is the last of the
value's array; what the version before wrote has none, and ends with a number that is no integer.
"""


def cached_entry(item: Item, version: int, ttl_s: float, now: float) -> tuple[bytes, int, int]:
    """Return the arguments of `WRITE` for an item that is to be cached."""
    kept_s = HIDDEN_KEPT_S if item.is_hidden else ttl_s
    return encode(CachedItem(item, now + ttl_s, version)), version, round(kept_s * 1000)


def version_entry(version: int, ttl_s: float) -> tuple[bytes, int, int]:
    """Return the arguments of `WRITE` for an item that is to be forgotten."""
    return encode(CachedItem(None, 0.0, version)), version, round(ttl_s * 1000)


def entries_of(
    items: Sequence[Item], versions: Mapping[str, int], ttl_s: float, now: float
) -> dict[str, tuple[bytes, int, int]]:
    """Return by id the arguments of `WRITE` for items that changed: hidden ones are cached."""
    return {
        item.item_id: cached_entry(item, versions.get(item.item_id, 0), ttl_s, now)
        if item.is_hidden
        else version_entry(versions.get(item.item_id, 0), ttl_s)
        for item in items
    }


def portions(
    entries: Mapping[str, tuple[bytes, int, int]],
) -> Iterator[tuple[list[str], list[bytes | int]]]:
    """Yield ids and arguments for one call of `WRITE` after the other."""
    item_ids = list(entries)
    for first in range(0, len(item_ids), ITEMS_AT_ONCE):
        some = item_ids[first : first + ITEMS_AT_ONCE]
        yield some, [argument for item_id in some for argument in entries[item_id]]
