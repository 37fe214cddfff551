"""Storing a group's progress beside the reading, and waiting for it no longer than a loop can spare."""

import threading
from concurrent.futures import Future
from functools import partial
from typing import Final

from streamrec.adapters.kafka.address import KafkaAddress
from streamrec.adapters.kafka.connect import unavailable
from streamrec.adapters.kafka.offsets import KafkaOffsets, Positions
from streamrec.faults.points import fault_point

COMMIT_PATIENCE_S: Final = 2.0
"""A commit takes milliseconds. The loops that commit hold a lease of seconds, and can't renew it here."""


class KafkaCommits:
    """Commits over a connection of its own. One thread at a time.

    A broker that hangs is waited for a bounded time; what was begun ends beside the caller.
    """

    def __init__(self, address: KafkaAddress, group: str) -> None:
        self._address = address
        self._offsets = KafkaOffsets(address, group)
        self._last: Future[None] | None = None
        self._is_closed = False

    def commit(self, positions: Positions) -> None:
        """Store a group's progress.

        Raises
        ------
        Unavailable
            When no broker takes it in time; it may be stored all the same.
        ConfigurationError
            When one refuses.
        """
        if self._is_under_way():
            raise unavailable(self._address, "the last commit is not acknowledged yet")
        self._last = Future()
        arguments = (positions, self._last)
        # A daemon: a process that ends does not wait for a broker that hangs.
        threading.Thread(target=self._carry_out, args=arguments, name="kafka-commit", daemon=True).start()
        try:
            self._last.result(COMMIT_PATIENCE_S)
        except TimeoutError as error:
            raise unavailable(
                self._address, f"a commit is not acknowledged in {COMMIT_PATIENCE_S} s"
            ) from error

    def close(self) -> None:
        """Close the connection, or let a commit that is under way do so at its end."""
        self._is_closed = True
        if not self._is_under_way():
            self._offsets.close()

    def _is_under_way(self) -> bool:
        return self._last is not None and not self._last.done()

    def _carry_out(self, positions: Positions, outcome: "Future[None]") -> None:
        try:
            fault_point("kafka", "commit", partial(unavailable, self._address))
            self._offsets.commit(positions)
            if self._is_closed:
                self._offsets.close()
        except BaseException as error:  # noqa: BLE001  # whoever waits raises it, or the next to commit finds it done
            outcome.set_exception(error)
        else:
            outcome.set_result(None)
