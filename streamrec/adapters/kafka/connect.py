"""Connections to Kafka, and translation of its drivers' errors."""

import logging
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from typing import Any, TypeVar

from kafka import errors
from kafka.net.compat import KafkaNetClient

from streamrec.adapters.kafka import advertised as kafka_advertised
from streamrec.adapters.kafka.address import KafkaAddress
from streamrec.adapters.kafka.codecs import unreadable
from streamrec.errors import ConfigurationError, InvalidInput, StreamrecError, Unavailable

REQUEST_TIMEOUT_MS = 5000
"""The longest that a broker may think about one request."""

READ_COMMITTED = "read_committed"
"""Isolation of whoever reads: what a transaction sent that was given up is no event. Both drivers' word."""

_BOOTSTRAP_TIMEOUT_MS = 3000
_LONGEST_RECONNECT_PAUSE_MS = 1000

_CLOSE_TIMEOUT_S = 5.0

ClientT = TypeVar("ClientT")

_REFUSALS = (
    errors.SaslAuthenticationFailedError,
    errors.AuthorizationError,
    errors.UnsupportedSaslMechanismError,
    errors.IllegalSaslStateError,
    errors.SecurityDisabledError,
    errors.KafkaConfigurationError,
    errors.UnsupportedVersionError,
    errors.InvalidTopicError,
    errors.InvalidReplicationFactorError,
    errors.InvalidGroupIdError,
    errors.PolicyViolationError,
)


def refused(address: KafkaAddress, reason: object) -> ConfigurationError:
    """Return the error for a broker that does not want us."""
    said = _without_secrets(address, reason)
    return ConfigurationError(f"{address.shown} refuses: {said}; correct the URL in {address.variable}")


def unavailable(address: KafkaAddress, reason: object) -> Unavailable:
    """Return the error for a broker that does not answer."""
    return Unavailable(f"{address.shown} does not answer: {_without_secrets(address, reason)}")


def _without_secrets(address: KafkaAddress, reason: object) -> str:
    text = str(reason)
    return text.replace(address.password, "***") if address.password else text


@contextmanager
def translated_errors(address: KafkaAddress) -> Iterator[None]:
    """Turn kafka-python's errors into ours."""
    try:
        yield
    except StreamrecError:
        raise
    except errors.UnsupportedCodecError as error:
        raise unreadable(address, str(error)) from error
    except errors.MessageSizeTooLargeError as error:
        raise InvalidInput(f"{address.shown}: the record is larger than the topic takes") from error
    except _REFUSALS as error:
        raise refused(address, _named(error)) from error
    except (errors.KafkaError, OSError) as error:
        raise _lost(address, error) from error


def _lost(address: KafkaAddress, error: BaseException) -> Unavailable:
    """Return the error for a connection that failed: of the broker, or of where that sends its clients."""
    stray = kafka_advertised.stray(address)
    if stray is None:
        return unavailable(address, _named(error))
    return Unavailable(
        f"{address.shown} answers, but sends its clients on to {stray}; if a broker runs there, its"
        " advertised.listeners must name an address that can be reached from here"
    )


def _named(error: BaseException) -> str:
    # A broker's error may carry the whole request as its text: what it means says enough.
    meaning = getattr(error, "description", None) or str(error)
    return f"{type(error).__name__}: {' '.join(str(meaning).split())[:200]}"


def connect(
    address: KafkaAddress,
    client_class: Callable[..., ClientT],
    network_class: Callable[..., KafkaNetClient] = KafkaNetClient,
    **settings: object,
) -> ClientT:
    """Return a kafka-python client that has reached a broker.

    Parameters
    ----------
    network_class
        What it speaks through.

    Raises
    ------
    Unavailable
        When none answers in time.
    ConfigurationError
        When one does, and refuses.
    """
    reach(address)
    clients: list[Any] = []

    def make_client(**config: object) -> object:
        clients.append(network_class(**config))
        return clients[-1]

    with _ear().listening() as reasons:
        try:
            return client_class(
                **address.for_kafka_python(),
                **settings,
                kafka_client=make_client,
                bootstrap_timeout_ms=_BOOTSTRAP_TIMEOUT_MS,
                request_timeout_ms=REQUEST_TIMEOUT_MS,
                reconnect_backoff_max_ms=_LONGEST_RECONNECT_PAUSE_MS,
            )
        except (errors.KafkaError, OSError) as error:
            # A client whose constructor raised would go on connecting, in its own thread, for ever.
            for client in clients:
                close_soon(client.close)
            raise _why_not(address, error, reasons) from error
        finally:
            kafka_advertised.note(address, clients)


class _Ear(logging.Handler):
    """Hears what the driver's network side logs: it tells nobody else why a first connection failed."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._listeners: list[list[BaseException]] = []
        logger = logging.getLogger("kafka.net")
        # Whatever the level of our own log. It goes no further: what matters of it, we raise and say once,
        # with the URL; the driver says it many times a second while a broker is away.
        logger.setLevel(logging.WARNING)
        logger.propagate = False
        logger.addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Pass on the exceptions that are logged."""
        if isinstance(record.args, tuple):
            for listener in self._listeners:
                listener += [argument for argument in record.args if isinstance(argument, Exception)]

    @contextmanager
    def listening(self) -> Iterator[list[BaseException]]:
        """Give the reasons that are logged meanwhile, by whichever connection."""
        reasons: list[BaseException] = []
        with _ear_lock:
            self._listeners = [*self._listeners, reasons]
        try:
            yield reasons
        finally:
            with _ear_lock:
                self._listeners = [listener for listener in self._listeners if listener is not reasons]


_ear_lock = threading.Lock()


@cache
def _ear() -> _Ear:
    return _Ear()


def _why_not(address: KafkaAddress, error: Exception, reasons: Sequence[BaseException]) -> StreamrecError:
    for reason in (error, *reasons):
        if isinstance(reason, _REFUSALS):
            return refused(address, _named(reason))
    if address.user is not None and any(isinstance(reason, KeyError | ValueError) for reason in reasons):
        return refused(address, f"its answer to {address.texts['sasl_mechanism']} grants nothing")
    # The connection stood: hanging up is all that some brokers tell those whom they do not know.
    return unavailable(address, "it hangs up, or says nothing; check security_protocol, user and password")


def close_soon(close: Callable[[], object]) -> None:
    """Call `close`, and wait for it a bounded time: both drivers wait for threads of theirs without end."""

    def close_quietly() -> None:
        # A producer that can't send its last records says so, to nobody: whoever sent them was told already.
        with suppress(errors.KafkaError, OSError):
            close()

    closing = threading.Thread(target=close_quietly, name="kafka-closing", daemon=True)
    closing.start()
    closing.join(_CLOSE_TIMEOUT_S)


def reach(address: KafkaAddress) -> None:
    """Return when some broker accepts a connection, encrypted where it should be.

    The driver would wait for an encrypted connection to something else without end, and does not tell an
    absent broker from one that refuses.

    Raises
    ------
    Unavailable
        When none does in time.
    ConfigurationError
        When a certificate is not to be trusted.
    """
    context = address.tls_context() if address.uses_tls else None
    problems = []
    for server in address.servers:
        try:
            kafka_advertised.greet(server, context)
        except ssl.SSLCertVerificationError as error:
            reason = f"the certificate of {server} is not trusted ({error.verify_message})"
            raise refused(address, reason) from error
        except (OSError, UnicodeError) as error:
            problems.append(f"{server}: {error}")
        else:
            return
    raise unavailable(address, "; ".join(problems))
