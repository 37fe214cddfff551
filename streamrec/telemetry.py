"""Structured logs, lines that are written now and then, and metrics that go nowhere.

Every line of a process is one JSON object (on a terminal: coloured text), whoever writes it: we, gunicorn,
uvicorn, or a driver. A line within a request carries its ``request_id``. Names of metrics are dotted,
``<process>.<what>[.<detail>]``, with the unit at the end of a gauge's name; `docs/reference/metrics.md` lists
them all.
"""

import logging
import logging.config
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from types import MappingProxyType, TracebackType
from typing import Any, TextIO, cast

import msgspec
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from streamrec.errors import ConfigurationError
from streamrec.ports import Metrics
from streamrec.redaction import redact

_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")

_LONGEST_EXAMPLE = 300
"""Characters: what is wrong with a record may be most of it."""

_SILENT = ("kafka", "confluent_kafka")
"""Failures in Kafka's drivers reach us as errors, which are logged now and then, with the URL. The drivers
write many lines a second themselves while a broker is away, and one for each tenth of a second in which
another thread had the interpreter."""

_encode = msgspec.json.Encoder(enc_hook=repr).encode


def configure_logging(level: str, service: str) -> None:
    """Send the logs of this process to standard error; `service` names it in every line.

    Raises
    ------
    ConfigurationError
        When there is no such level.
    """
    logging.config.dictConfig(logging_config(level, service))
    structlog.configure(
        processors=[*_described_by(service), structlog.processors.format_exc_info, redact, _renderer()],
        wrapper_class=structlog.make_filtering_bound_logger(_number_of(level)),
        logger_factory=structlog.WriteLoggerFactory(cast("TextIO", _Lines(sys.stderr))),
        cache_logger_on_first_use=True,
    )
    sys.excepthook = _log_crash
    threading.excepthook = _log_thread_crash


class _Lines:
    """Standard error, of which what can't be written is lost: on a full disk it ends no process."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        with suppress(OSError):
            self._stream.write(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()


def logging_config(level: str, service: str) -> dict[str, Any]:
    """Return what brings the lines of other packages into our format, for `logging.config.dictConfig`.

    Gunicorn takes it before it loads an application, so that its first lines have the format too. Drivers
    say what matters from WARNING on; below that they write of every poll.

    Raises
    ------
    ConfigurationError
        When there is no such level.
    """
    to_stderr = {"class": "logging.StreamHandler", "formatter": "structured", "stream": "ext://sys.stderr"}
    servers = {
        "level": max(logging.INFO, _number_of(level)),
        "handlers": ["structured"],
        "propagate": False,
    }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"structured": {"()": _formatter, "service": service}},
        "handlers": {"structured": to_stderr},
        "root": {"level": max(logging.WARNING, _number_of(level)), "handlers": ["structured"]},
        "loggers": {"gunicorn.error": servers, **{name: {"level": logging.CRITICAL} for name in _SILENT}},
    }


def _number_of(level: str) -> int:
    if level.upper() not in _LEVELS:
        raise ConfigurationError(f"STREAMREC_LOG_LEVEL {level!r} is none of {', '.join(_LEVELS)}")
    return logging.getLevelNamesMapping()[level.upper()]


def _formatter(service: str) -> logging.Formatter:
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.add_logger_name, *_described_by(service)],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            redact,
            _renderer(),
        ],
    )


def _described_by(service: str) -> list[Processor]:
    def add_service(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        # Not a context variable: threads begin without those of the thread that started them.
        event["service"] = service
        return event

    return [
        structlog.contextvars.merge_contextvars,
        add_service,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]


def _renderer() -> Processor:
    if sys.stderr.isatty():
        return structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    return structlog.processors.JSONRenderer(lambda event, **_options: _encode(event).decode())


def _log_crash(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    """Log uncaught exceptions too, without secrets: a traceback shows arguments' values."""
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, traceback)
    else:
        structlog.get_logger().critical("crashed", exc_info=(kind, error, traceback))


def _log_thread_crash(crash: threading.ExceptHookArgs) -> None:
    if crash.exc_value is not None:
        thread = crash.thread.name if crash.thread else None
        exc_info = (crash.exc_type, crash.exc_value, crash.exc_traceback)
        structlog.get_logger().critical("thread_crashed", thread=thread, exc_info=exc_info)


class Digest:
    """A warning about many things of one kind: a line now and then, and not one for each.

    The first is written at once, the next after a while with the number of all that came since.

    Parameters
    ----------
    event
        Name of the line.
    interval_s
        Shortest time between two lines.
    """

    def __init__(
        self, event: str, interval_s: float = 10.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._event = event
        self._interval_s = interval_s
        self._clock = clock
        self._due = float("-inf")
        self._n = 0
        self._reasons: Counter[str] = Counter()
        self._example = ""

    def note(self, n: int, example: str, reasons: Mapping[str, int] = MappingProxyType({})) -> None:
        """Count `n` more, of which one was as `example` says; and how many there were of each reason."""
        self._n += n
        self._reasons.update(reasons)
        self._example = example or self._example
        now = self._clock()
        if self._n and now >= self._due:
            by_reason = {"reasons": dict(self._reasons.most_common())} if self._reasons else {}
            example = self._example[:_LONGEST_EXAMPLE]
            structlog.get_logger().warning(self._event, n=self._n, example=example, **by_reason)
            self._n = 0
            self._reasons.clear()
            self._due = now + self._interval_s


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
