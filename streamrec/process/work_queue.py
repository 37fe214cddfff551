"""Work done beside the loop, one piece at a time and in order."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor


class WorkQueue:
    """A thread that does one thing after the other; one at most at any time, none after a failure.

    Attributes
    ----------
    last_took_s
        Seconds that the last piece took.
    """

    def __init__(self, name: str) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)
        self._under_way: Future[None] | None = None
        self.last_took_s = 0.0

    def is_free(self) -> bool:
        """Return whether the last piece is done."""
        return self._under_way is None or self._under_way.done()

    def submit(self, work: Callable[[], None]) -> None:
        """Hand over a piece; waits for the last one, and raises what that failed of: nothing follows it."""
        self.drain()
        self._under_way = self._thread.submit(self._do, work)

    def _do(self, work: Callable[[], None]) -> None:
        started = time.perf_counter()
        try:
            work()
        finally:
            self.last_took_s = time.perf_counter() - started

    def drain(self) -> None:
        """Wait for the last piece; raises what it failed of, each time.

        A piece that failed was not done: forgetting it would let a checkpoint follow that counts it as done.
        """
        if self._under_way is not None:
            self._under_way.result()

    def last(self) -> Future[None] | None:
        """Return the last piece that was handed over."""
        return self._under_way

    def close(self) -> None:
        """End the thread once the piece that runs is done."""
        self._thread.shutdown(wait=True, cancel_futures=True)
