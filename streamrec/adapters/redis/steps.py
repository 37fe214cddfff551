"""Steps of users in Redis: a sorted set for each user, and one of the users."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import WatchError

from streamrec.domain.users.steps import KEPT_S, MAX_STEPS, MAX_USERS, REFUSED_S, Step, encode_step
from streamrec.errors import Unavailable
from streamrec.faults.points import fault_point

_USERS_AT_ONCE = 100
"""In one transaction: a millisecond or so, during which Redis answers nobody else."""

_N_TRIES = 3
"""Each fails only where one of these users was forgotten within that millisecond."""

_Key = Callable[[str], str]


async def add_steps(redis: Redis, key: _Key, steps: Mapping[str, Sequence[Step]]) -> None:
    """Add steps of users who were not forgotten a moment ago; the oldest go beyond the bounds.

    Raises
    ------
    Unavailable
        When users are forgotten again and again meanwhile.
    """
    user_ids = [user_id for user_id, added in steps.items() if added]
    for first in range(0, len(user_ids), _USERS_AT_ONCE):
        some = {user_id: steps[user_id] for user_id in user_ids[first : first + _USERS_AT_ONCE]}
        for _ in range(_N_TRIES):
            with suppress(WatchError):
                await _add(redis, key, some)
                break
        else:
            raise Unavailable("users were forgotten while their steps were written")
    if user_ids:
        await _drop_the_oldest(redis, key)


async def forget_steps(redis: Redis, key: _Key, user_id: str) -> None:
    """Remove a user's steps, and leave a mark for a while that no more are to be added."""
    async with redis.pipeline(transaction=True) as pipeline:
        pipeline.set(key(f"steps-refused:{user_id}"), 1, px=round(REFUSED_S * 1000))
        pipeline.delete(key(f"steps:{user_id}"))
        pipeline.zrem(key("steps-users"), user_id)
        fault_point("redis", "exec steps")
        await pipeline.execute()


async def _add(redis: Redis, key: _Key, steps: Mapping[str, Sequence[Step]]) -> None:
    marks = [key(f"steps-refused:{user_id}") for user_id in steps]
    async with redis.pipeline(transaction=True) as pipeline:
        await pipeline.watch(*marks)
        refused: Any = await pipeline.mget(marks)
        pipeline.multi()  # type: ignore[no-untyped-call]
        for (user_id, added), mark in zip(steps.items(), refused, strict=True):
            if mark is not None:
                continue
            name = key(f"steps:{user_id}")
            pipeline.zadd(name, {encode_step(step): step.at for step in added})
            pipeline.zremrangebyrank(name, 0, -MAX_STEPS - 1)
            pipeline.expire(name, round(KEPT_S))
            last_at = max(step.at for step in added)
            pipeline.zadd(key("steps-users"), {user_id: last_at}, gt=True)
        fault_point("redis", "exec steps")
        await pipeline.execute()


async def _drop_the_oldest(redis: Redis, key: _Key) -> None:
    n_surplus = await redis.zcard(key("steps-users")) - MAX_USERS
    if n_surplus > 0:
        fault_point("redis", "zpopmin steps")
        dropped: Any = await redis.zpopmin(key("steps-users"), n_surplus)
        fault_point("redis", "delete steps")
        await redis.delete(*(key("steps:") + user_id.decode() for user_id, _ in dropped))
