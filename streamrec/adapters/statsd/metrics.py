"""Metrics over statsd: UDP, fire and forget.

A figure costs its caller less than a microsecond: it is put down in memory, and a thread sends what has
gathered, counters added up, gauges as they stand last, many lines in a datagram. What gets lost is lost.
"""

import atexit
import math
from threading import Event, Lock, Thread
from urllib.parse import urlsplit

from statsd.client.base import StatsClientBase
from statsd.client.udp import Pipeline

from streamrec.adapters.statsd.destination import Destination
from streamrec.errors import ConfigurationError
from streamrec.ports import Metrics
from streamrec.redaction import shown_url
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


class _Client(StatsClientBase):  # type: ignore[misc]  # the package has no types
    """The statsd package's words, packed by it into datagrams, on a way that never waits."""

    def __init__(self, destination: Destination) -> None:
        self._destination = destination
        self._prefix = PREFIX
        self._maxudpsize = _MAX_DATAGRAM_BYTES

    def pipeline(self) -> Pipeline:
        return Pipeline(self)

    def close(self) -> None:
        self._destination.close()

    def _send(self, data: str) -> None:
        self._destination.send(data.encode())


class StatsdMetrics:
    """Gathers figures and sends them twice a second. Threads may call everything at any time."""

    def __init__(self, destination: Destination, interval_s: float = _INTERVAL_S) -> None:
        """Start the sending thread."""
        self._destination = destination
        self._client = _Client(destination)
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
        self._client.close()

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
        with self._client.pipeline() as pipeline:
            for name, n in counts.items():
                pipeline.incr(name, n)
            for name, value in gauges.items():
                if math.isfinite(value):  # statsd has no word for what is not
                    pipeline.gauge(name, value)
            for name, duration_ms in timings:
                pipeline.timing(name, duration_ms)


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
