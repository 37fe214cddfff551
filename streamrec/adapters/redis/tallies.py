"""Counts of items by the hour in Redis: a hash for each hour and name, and a set of each hour's names."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline

from streamrec.domain.status.tally import HOUR_S, N_HOURS
from streamrec.payload import decoded

_KEPT_S = (N_HOURS + 1) * HOUR_S

_Key = Callable[[str], str]


def add_tallies(pipeline: Pipeline, key: _Key, hour: int, counts: Mapping[tuple[str, str], int]) -> None:
    """Let a pipeline add to the counts of an hour, and each key go after a day."""
    names = {name for _, name in counts}
    for (item_id, name), n in counts.items():
        pipeline.hincrby(key(f"tallies:{hour}:{name}"), item_id, n)
    for name in names:
        pipeline.expire(key(f"tallies:{hour}:{name}"), _KEPT_S)
    if names:
        pipeline.sadd(key(f"tally-names:{hour}"), *names)
        pipeline.expire(key(f"tally-names:{hour}"), _KEPT_S)


async def tallies_of(
    redis: Redis, key: _Key, item_id: str, hours: Sequence[int]
) -> dict[tuple[int, str], int]:
    """Return an item's counts in some hours, by hour and name.

    Raises
    ------
    Damaged
        When something else stands there.
    """
    async with redis.pipeline(transaction=False) as pipeline:
        for hour in hours:
            pipeline.smembers(key(f"tally-names:{hour}"))
        members: Any = await pipeline.execute()
    named = decode_names(zip(hours, members, strict=True))
    if not named:
        return {}
    async with redis.pipeline(transaction=False) as pipeline:
        for hour, name in named:
            pipeline.hget(key(f"tallies:{hour}:{name}"), item_id)
        values: Any = await pipeline.execute()
    return decode_tallies(zip(named, values, strict=True))


def decode_names(members: Iterable[tuple[int, Iterable[bytes]]]) -> list[tuple[int, str]]:
    """Read the names that were counted in each hour.

    Raises
    ------
    Damaged
        When one is no text.
    """
    return decoded(_names, members)


def decode_tallies(
    values: Iterable[tuple[tuple[int, str], bytes | None]],
) -> dict[tuple[int, str], int]:
    """Read counts, each with its hour and name.

    Raises
    ------
    Damaged
        When one is no number.
    """
    return decoded(_counts, values)


def _names(members: Iterable[tuple[int, Iterable[bytes]]]) -> list[tuple[int, str]]:
    return [(hour, name.decode()) for hour, names in members for name in names]


def _counts(values: Iterable[tuple[tuple[int, str], bytes | None]]) -> dict[tuple[int, str], int]:
    return {of: int(value) for of, value in values if value is not None}
