"""Common part of reading and sending with confluent-kafka: settings, and translation of errors.

It is installed apart (`requirements-confluent.txt`). Topics and offsets are asked for with kafka-python all
the same: it is only the records that come by thousands.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from confluent_kafka import KafkaError, KafkaException

from streamrec.adapters.kafka.address import KafkaAddress
from streamrec.adapters.kafka.connect import REQUEST_TIMEOUT_MS, refused, unavailable
from streamrec.errors import InvalidInput, StreamrecError

_TOO_LARGE = (KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.INVALID_MSG_SIZE)

_REFUSALS = (
    KafkaError._AUTHENTICATION,  # noqa: SLF001  # its own errors have names of this kind; they are public
    KafkaError._SSL,  # noqa: SLF001
    KafkaError._INVALID_ARG,  # noqa: SLF001
    KafkaError._UNSUPPORTED_FEATURE,  # noqa: SLF001
    KafkaError.SASL_AUTHENTICATION_FAILED,
    KafkaError.UNSUPPORTED_SASL_MECHANISM,
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.GROUP_AUTHORIZATION_FAILED,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
)


def client_settings(address: KafkaAddress) -> dict[str, Any]:
    """Return the settings that every client has."""
    return address.for_confluent() | {
        "socket.timeout.ms": REQUEST_TIMEOUT_MS,
        "reconnect.backoff.max.ms": 1000,
        "allow.auto.create.topics": False,
        "logger": logging.getLogger("confluent_kafka"),
    }


def error_of(address: KafkaAddress, error: KafkaError) -> StreamrecError:
    """Return our error for one of librdkafka's."""
    if error.code() in _TOO_LARGE:
        return InvalidInput(f"{address.shown}: the record is larger than the topic takes")
    if error.code() in _REFUSALS:
        return refused(address, f"{error.name()}: {error.str()}")
    return unavailable(address, f"{error.name()}: {error.str()}")


@contextmanager
def translated_errors(address: KafkaAddress) -> Iterator[None]:
    """Turn confluent-kafka's errors into ours."""
    try:
        yield
    except KafkaException as error:
        raise error_of(address, error.args[0]) from error
