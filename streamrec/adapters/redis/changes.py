"""Hearing of changed items from the other processes."""

import asyncio
from collections.abc import Callable, Sequence

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from streamrec.adapters.redis.connection import OPTIONS, RedisAddress
from streamrec.adapters.redis.values import decode_changed
from streamrec.errors import Damaged
from streamrec.log_limits import warn_seldom

_SILENCE_S = 1.0
"""After so long without a word Redis is asked whether it is still there."""

_ANSWER_S = 1.0
"""A connection on which it does not answer within this is dead: copies are used no longer than both together
after a Redis began to hang, for so long nobody hears of changes."""

_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 5.0


class RedisChanges:
    """A subscription that knows whether it stands.

    Parameters
    ----------
    channel
        Where changes are told.
    sender
        Our own name: what we say ourselves is passed over.
    on_change
        Called with the ids of items that others changed.
    on_turn
        Called when the subscription begins or ends: before and after, words may have been missed.
    """

    def __init__(
        self,
        address: RedisAddress,
        channel: str,
        sender: str,
        on_change: Callable[[Sequence[str]], None],
        on_turn: Callable[[], None],
    ) -> None:
        self.stands = False
        self._channel = channel
        self._sender = sender
        self._on_change = on_change
        self._on_turn = on_turn
        # Without retries: the driver would subscribe again in silence, and nobody would know of the gap.
        options = OPTIONS | {"health_check_interval": 0, "retry": Retry(NoBackoff(), 0)}
        self._redis = Redis.from_url(address.url, **options)

    async def listen(self) -> None:
        """Listen until cancelled, and subscribe again after every loss."""
        pause_s = _FIRST_PAUSE_S
        while True:
            try:
                async with self._redis.pubsub() as subscription:
                    await subscription.subscribe(self._channel)
                    await self._hear(subscription)
            except (RedisError, OSError) as error:
                pause_s = _FIRST_PAUSE_S if self.stands else min(2 * pause_s, _LONGEST_PAUSE_S)
                if self.stands:
                    warn_seldom("near_cache_off", error=str(error))
            finally:
                self._turn(stands=False)
            await asyncio.sleep(pause_s)

    async def aclose(self) -> None:
        """Close the connection; after `listen` was cancelled."""
        await self._redis.aclose()

    async def _hear(self, subscription: PubSub) -> None:
        is_asked = False
        while True:
            message = await subscription.get_message(timeout=_ANSWER_S if is_asked else _SILENCE_S)
            if message is None:
                if is_asked:
                    raise TimeoutError("Redis is silent")
                await subscription.ping()
                is_asked = True
                continue
            is_asked = False
            if message["type"] == "subscribe":
                self._turn(stands=True)
            elif message["type"] == "message":
                self._take(message["data"])

    def _take(self, payload: bytes) -> None:
        try:
            changed = decode_changed(payload)
        except Damaged:
            # Of another version: what it says can't be read, so anything may have changed.
            self._on_turn()
            return
        if changed.sender != self._sender:
            self._on_change(changed.item_ids)

    def _turn(self, *, stands: bool) -> None:
        if stands != self.stands:
            self.stands = stands
            self._on_turn()
