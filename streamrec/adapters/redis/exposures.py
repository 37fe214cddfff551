"""Exposures in Redis, as a server uses them: counts of items, and the last steps of users."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from redis.asyncio import Redis

from streamrec.adapters.redis.connection import RedisAddress, translated_errors
from streamrec.adapters.redis.steps import add_steps, forget_steps
from streamrec.adapters.redis.tallies import add_tallies, tallies_of
from streamrec.domain.users.steps import KEPT_S, MAX_STEPS, Step, decode_steps
from streamrec.faults.points import fault_point


class RedisExposures:
    """Implements `ItemTallies` and `UserSteps`.

    Parameters
    ----------
    clock
        Unix seconds.
    """

    def __init__(self, address: RedisAddress, redis: Redis, clock: Callable[[], float]) -> None:
        self.address = address
        self._redis = redis
        self._clock = clock

    async def add_tallies(self, hour: int, counts: Mapping[tuple[str, str], int]) -> None:
        """Add to the counts of an hour; each goes after a day."""
        with translated_errors(self.address):
            async with self._redis.pipeline(transaction=True) as pipeline:
                add_tallies(pipeline, self.address.key, hour, counts)
                fault_point("redis", "exec tallies")
                await pipeline.execute()

    async def tallies(self, item_id: str, hours: Sequence[int]) -> dict[tuple[int, str], int]:
        """Return an item's counts in some hours, by hour and name."""
        with translated_errors(self.address):
            return await tallies_of(self._redis, self.address.key, item_id, hours)

    async def add_steps(self, steps: Mapping[str, Sequence[Step]]) -> None:
        """Add steps by user, within bounds."""
        with translated_errors(self.address):
            await add_steps(self._redis, self.address.key, steps)

    async def steps(self, user_id: str) -> list[Step]:
        """Return the steps of a user within the last day, newest first."""
        since = f"({self._clock() - KEPT_S}"
        with translated_errors(self.address):
            written: Any = await self._redis.zrevrangebyscore(
                self.address.key(f"steps:{user_id}"), "+inf", since, start=0, num=MAX_STEPS
            )
        return decode_steps(written)

    async def forget_steps(self, user_id: str) -> None:
        """Remove a user's steps, and take none for a while."""
        with translated_errors(self.address):
            await forget_steps(self._redis, self.address.key, user_id)
