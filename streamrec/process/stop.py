"""SIGTERM and SIGINT as requests to end in good order."""

import signal
import socket
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from threading import Event, Thread, Timer

PATIENCE_S = 20.0
"""Parts that do not answer are waited for so long after the signal; then the process ends without them.
Shorter than the 30 s that Kubernetes grants by default."""

_END = b"\0"
"""No signal has this number."""


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


def heed_signals(numbers: Collection[signal.Signals], act: Callable[[], object]) -> Callable[[], None]:
    """Call a function at each of these signals, in a thread of its own; return what ends that.

    A handler in Python waits for the main thread. That one may be about to wait for the very event that the
    handler is to set: a signal that comes between its last look and its wait is not seen before it wakes, and
    one that comes while it holds the event's lock waits for that lock, for ever. The interpreter's own
    handler writes the number to a socket at once, whatever the main thread does.
    """
    came, wakeup = socket.socketpair()
    wakeup.setblocking(False)

    def follow() -> None:
        with came, wakeup:  # both live as long as this thread
            while (number := came.recv(1)) != _END:
                if number[0] in numbers:
                    act()

    Thread(target=follow, name="signals", daemon=True).start()
    fd_before = signal.set_wakeup_fd(wakeup.fileno(), warn_on_full_buffer=False)
    before = {number: signal.signal(number, lambda *_given: None) for number in numbers}

    def end() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(fd_before)
        wakeup.send(_END)

    return end


def stop_on_signals() -> StopRequest:
    """Return a request that the first signal makes, and the second, or `PATIENCE_S`, makes urgent."""
    request = StopRequest()

    def stop() -> None:
        if request.is_stopping.is_set():
            request.is_giving_up.set()
            return
        request.is_stopping.set()
        patience = Timer(PATIENCE_S, request.is_giving_up.set)
        patience.daemon = True
        patience.start()

    heed_signals((signal.SIGTERM, signal.SIGINT), stop)
    return request
