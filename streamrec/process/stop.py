"""SIGTERM and SIGINT as requests to end in good order."""

import signal
from dataclasses import dataclass, field
from threading import Event, Timer
from types import FrameType

PATIENCE_S = 20.0
"""Parts that do not answer are waited for so long after the signal; then the process ends without them.
Shorter than the 30 s that Kubernetes grants by default."""


@dataclass(frozen=True)
class StopRequest:
    """Whether to end, and whether to wait no longer for parts that do not answer.

    Attributes
    ----------
    is_stopping
        Set when the loop shall end in good order.
    is_giving_up
        Set when waiting for parts that do not answer shall end too.
    """

    is_stopping: Event = field(default_factory=Event)
    is_giving_up: Event = field(default_factory=Event)


def stop_on_signals() -> StopRequest:
    """Return a request that the first signal makes, and the second, or `PATIENCE_S`, makes urgent."""
    request = StopRequest()

    def stop(_signal_number: int, _frame: FrameType | None) -> None:
        if request.is_stopping.is_set():
            request.is_giving_up.set()
            return
        request.is_stopping.set()
        patience = Timer(PATIENCE_S, request.is_giving_up.set)
        patience.daemon = True
        patience.start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    return request
