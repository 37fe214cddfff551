"""Batches of records that can't be unpacked: what a driver makes of them, and where the next one begins.

Not every broker looks into what it is sent, and disks fail: one batch must not stop whoever reads a log.
"""

import gzip
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

from kafka import KafkaConsumer, TopicPartition, errors
from kafka.net.compat import KafkaNetClient
from kafka.net.selector import NetworkSelector
from kafka.record import MemoryRecords

from streamrec.adapters.kafka.address import KafkaAddress
from streamrec.adapters.kafka.connect import (
    READ_COMMITTED,
    REQUEST_TIMEOUT_MS,
    close_soon,
    connect,
    translated_errors,
    unavailable,
)
from streamrec.adapters.kafka.drivers.fetches import FetchAnswers

_POLL_MS = 50


class DamagedRecords(Exception):  # noqa: N818  # caught by the source, which goes on behind them
    """A batch in one of the partitions that are read can't be unpacked."""


@contextmanager
def unpacking() -> Iterator[None]:
    """Tell what kafka-python raises of records that it can't unpack from what it raises of a broker.

    Raises
    ------
    DamagedRecords
        Whatever a codec raises, and the driver of what it finds then; a codec that is missing is a setting.
    """
    try:
        yield
    except (errors.CorruptRecordError, gzip.BadGzipFile) as error:
        raise DamagedRecords(f"{type(error).__name__}: {error}") from error
    except (errors.KafkaError, OSError):
        raise
    except Exception as error:  # each codec has errors of its own
        raise DamagedRecords(f"{type(error).__name__}: {error}") from error


class _RawFetches(FetchAnswers):
    """Notes the bytes that brokers answer fetches with."""

    def __init__(self, net: NetworkSelector, **config: object) -> None:
        super().__init__(net, **config)
        self.fetched: dict[tuple[str, int], bytes] = {}

    def note(self, partition: tuple[str, int], answer: Any) -> None:  # noqa: ANN401  # the driver's
        """Keep the bytes of the first answer that has any."""
        if answer.records:
            self.fetched.setdefault(partition, bytes(answer.records))


def end_of_damage(address: KafkaAddress, topic: str, partition: int, offset: int) -> int | None:
    """Return where the damaged batch ends that holds the next record at `offset`; None if it can be read.

    Raises
    ------
    Unavailable
        When no broker answers.
    ConfigurationError
        When one refuses.
    """
    managers: list[_RawFetches] = []

    def make_client(**config: object) -> KafkaNetClient:
        net = NetworkSelector(**config)
        managers.append(_RawFetches(net, **config))
        return KafkaNetClient(net, managers[-1])

    named = TopicPartition(address.prefix + topic, partition)
    with translated_errors(address):
        consumer: Any = connect(
            address,
            KafkaConsumer,
            make_client,
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="none",
            metrics_enabled=False,
            isolation_level=READ_COMMITTED,
        )
        try:
            consumer.assign([named])
            consumer.seek(named, offset)
            deadline = time.monotonic() + REQUEST_TIMEOUT_MS / 1000
            while tuple(named) not in managers[-1].fetched and consumer.highwater(named) != offset:
                with suppress(DamagedRecords), unpacking():
                    consumer.poll(timeout_ms=_POLL_MS, max_records=1)
                if time.monotonic() > deadline:
                    raise unavailable(address, "it answered no fetch in time")
            raw = managers[-1].fetched.get(tuple(named))
        finally:
            close_soon(partial(consumer.close, autocommit=False, timeout_ms=1000))
    return None if raw is None else _end_of_first(raw, offset)


def _end_of_first(raw: bytes, offset: int) -> int | None:
    """Return the end of the first batch with records from `offset` on, if it is damaged."""
    batches = MemoryRecords(raw)
    while (batch := batches.next_batch()) is not None:
        if batch.next_offset <= offset:
            continue
        try:
            with unpacking():
                if not batch.validate_crc():
                    return int(batch.next_offset)
                if batch.is_control_batch:
                    continue
                for _ in batch:
                    pass
        except DamagedRecords:
            return int(batch.next_offset)
        return None
    return None
