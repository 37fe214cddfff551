"""Structured logs, and one scheme of metric names over the Metrics port."""

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from streamrec.ports import Metrics


def configure_logging(level: str, service: str) -> None:
    """Send structured logs to standard error: one JSON object a line, or coloured text on a terminal."""
    on_terminal = sys.stderr.isatty()
    renderer = structlog.dev.ConsoleRenderer() if on_terminal else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service)


class NullMetrics:
    """Metrics that go nowhere: the default when no statsd is named."""

    def count(self, name: str, n: int = 1) -> None:
        """Drop it."""

    def gauge(self, name: str, value: float) -> None:
        """Drop it."""

    def timing(self, name: str, duration_ms: float) -> None:
        """Drop it."""


@contextmanager
def timed(metrics: Metrics, name: str) -> Iterator[None]:
    """Report how long the block took as the timer `name`, also when it raised."""
    start = time.perf_counter()
    try:
        yield
    finally:
        metrics.timing(name, (time.perf_counter() - start) * 1000)
