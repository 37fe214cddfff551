"""Metrics over statsd: UDP, fire and forget.

A figure costs its caller less than a microsecond: it is put down in memory, and a thread sends what has
gathered, counters added up, gauges as they stand last, many lines in a datagram. What gets lost is lost.
"""

import atexit
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from threading import Event, Lock, Thread
from urllib.parse import urlsplit

from streamrec.adapters.statsd_destination import Destination
from streamrec.errors import ConfigurationError
from streamrec.ports import Metrics
from streamrec.settings import shown_url
from streamrec.telemetry import NullMetrics

PREFIX = "streamrec"

_DEFAULT_PORT = 8125

_INTERVAL_S = 0.5
"""Well below the 10 s that statsd itself gathers for."""

_MAX_TIMINGS = 20_000
"""Durations kept between two sendings; more are dropped, so that memory stays bounded."""

_MAX_DATAGRAM_BYTES = 1400
"""Fits an Ethernet frame: of a datagram in pieces one lost piece loses all."""

_LAST_WAIT_S = 0.2
"""At the end a name that is being resolved gets so long, else a short process would say nothing."""


class StatsdMetrics:
    """Gathers figures and sends them twice a second. Threads may call everything at any time."""

    def __init__(self, destination: Destination, interval_s: float = _INTERVAL_S) -> None:
        """Start the sending thread."""
        self._destination = destination
        self._interval_s = interval_s
        self._lock = Lock()
        self._counts: dict[str, int] = {}
        self._gauges: dict[str, float] = {}
        self._timings: list[tuple[str, float]] = []
        self._closing = Event()
        self._thread = Thread(target=self._send_repeatedly, name="statsd", daemon=True)
        self._thread.start()
        atexit.register(self.close)

    def count(self, name: str, n: int = 1) -> None:
        """Add to a counter."""
        with self._lock:
            self._counts[name] = self._counts.get(name, 0) + n

    def gauge(self, name: str, value: float) -> None:
        """Set a gauge."""
        with self._lock:
            self._gauges[name] = value

    def timing(self, name: str, duration_ms: float) -> None:
        """Record one duration."""
        with self._lock:
            if len(self._timings) < _MAX_TIMINGS:
                self._timings.append((name, duration_ms))

    def close(self) -> None:
        """Send what is left and release the socket."""
        atexit.unregister(self.close)
        if self._closing.is_set():
            return
        self._closing.set()
        self._thread.join()
        self._destination.wait_for_address(_LAST_WAIT_S)
        self._send()
        self._destination.close()

    def _send_repeatedly(self) -> None:
        self._destination.look_up_if_due()
        while not self._closing.wait(self._interval_s):
            self._destination.look_up_if_due()
            self._send()

    def _send(self) -> None:
        with self._lock:
            counts, self._counts = self._counts, {}
            gauges, self._gauges = self._gauges, {}
            timings, self._timings = self._timings, []
        for datagram in _datagrams(_lines(counts, gauges, timings)):
            self._destination.send(datagram)


def _lines(
    counts: Mapping[str, int], gauges: Mapping[str, float], timings: Sequence[tuple[str, float]]
) -> Iterator[str]:
    for name, n in counts.items():
        yield f"{PREFIX}.{name}:{n}|c"
    for name, value in gauges.items():
        if not math.isfinite(value):
            continue  # statsd has no word for it
        if value < 0:
            yield f"{PREFIX}.{name}:0|g"  # a sign would mean: change by
        yield f"{PREFIX}.{name}:{value:.10g}|g"
    for name, duration_ms in timings:
        yield f"{PREFIX}.{name}:{duration_ms:.3f}|ms"


def _datagrams(lines: Iterable[str]) -> Iterator[bytes]:
    gathered: list[str] = []
    n_bytes = 0
    for line in lines:
        if gathered and n_bytes + len(line) >= _MAX_DATAGRAM_BYTES:
            yield "\n".join(gathered).encode()
            gathered, n_bytes = [], 0
        gathered.append(line)
        n_bytes += len(line) + 1
    if gathered:
        yield "\n".join(gathered).encode()


def open_metrics(url: str | None) -> Metrics:
    """Return metrics for ``statsd://host:port``, or ones that go nowhere for None.

    A name that can't be resolved is said once and tried again later: nobody should lose, or wait for,
    recommendations for want of metrics.

    Raises
    ------
    ConfigurationError
        When the URL is not one of statsd's.
    """
    if url is None:
        return NullMetrics()
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or _DEFAULT_PORT
    except ValueError:
        host, port = None, 0
    if not host or parts.scheme != "statsd":
        raise ConfigurationError(
            f"STREAMREC_STATSD_URL {shown_url(url)!r} is not of the form statsd://host:8125"
        )
    return StatsdMetrics(Destination(host, port))
