"""Metrics over statsd: UDP, fire and forget."""

import socket
from urllib.parse import urlsplit

import structlog
from statsd import StatsClient

from streamrec.errors import ConfigurationError
from streamrec.ports import Metrics
from streamrec.telemetry import NullMetrics

PREFIX = "streamrec"

_DEFAULT_PORT = 8125


class StatsdMetrics:
    """Sends each figure in a datagram of its own; what gets lost is lost."""

    def __init__(self, host: str, port: int) -> None:
        self._client = StatsClient(host, port, prefix=PREFIX)

    def count(self, name: str, n: int = 1) -> None:
        """Add to a counter."""
        self._client.incr(name, n)

    def gauge(self, name: str, value: float) -> None:
        """Set a gauge."""
        self._client.gauge(name, value)

    def timing(self, name: str, duration_ms: float) -> None:
        """Record one duration."""
        self._client.timing(name, duration_ms)

    def close(self) -> None:
        """Release the socket."""
        self._client.close()


def open_metrics(url: str | None) -> Metrics:
    """Return metrics for ``statsd://host:port``, or ones that go nowhere for None.

    A host that can't be resolved is said once and then done without: nobody should lose recommendations
    for want of metrics.

    Raises
    ------
    ConfigurationError
        When the URL is not one of statsd's.
    """
    if url is None:
        return NullMetrics()
    parts = urlsplit(url)
    if parts.scheme != "statsd" or not parts.hostname:
        raise ConfigurationError(f"STREAMREC_STATSD_URL {url!r} is not of the form statsd://host:8125")
    try:
        return StatsdMetrics(parts.hostname, parts.port or _DEFAULT_PORT)
    except socket.gaierror as error:
        structlog.get_logger().warning("statsd_unresolvable", url=url, error=str(error))
        return NullMetrics()
