"""Fence that keeps who lost a lease from writing to Redis."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext

from redis.client import Pipeline

from streamrec.adapters.redis.connection import RedisAddress
from streamrec.adapters.redis.kinds import text_at
from streamrec.ports import Lease, check_token


class Fence:
    """Largest token of a lease whose holder wrote, in Redis. Safe to use from several threads.

    Parameters
    ----------
    lease
        Returns the lease under which the next write is made.
    """

    def __init__(self, address: RedisAddress, lease: Callable[[], Lease]) -> None:
        self._address = address
        self._lease = lease
        self._token = 0
        self._raising = threading.Lock()

    @contextmanager
    def passed(self, pipeline: Pipeline) -> Iterator[None]:
        """Let the pipeline's transaction, which the block fills and executes, be the holder's or none.

        Raises
        ------
        LeaseLost
            When a later holder has written.
        """
        lease = self._lease()
        key = self._address.key(f"fence:{lease.name}")
        # Of threads that raise the fence at once, Redis would refuse all but the first.
        with self._raising if lease.token > self._token else nullcontext():
            pipeline.watch(key)  # type: ignore[no-untyped-call]
            written = text_at(pipeline, key)
            held = int(written) if written.isdigit() else 0
            check_token(lease, held, key)
            pipeline.multi()
            if held < lease.token:
                pipeline.set(key, lease.token)
            yield
            self._token = max(self._token, lease.token)
