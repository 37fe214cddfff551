"""Batches of records as no client of ours writes them, sent to a broker as they are."""

import struct
import time
from collections.abc import Sequence
from typing import Any

from kafka import KafkaAdminClient
from kafka.protocol.producer import ProduceRequest
from kafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder
from kafka.record.util import calc_crc32c

CODECS = {"none": 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}

_CRC_AT, _CHECKED_FROM = 17, 21


def batch(values: Sequence[bytes | None], codec: str = "none") -> bytes:
    """Return a batch of records without a time and without a key, with a header each."""
    builder = DefaultRecordBatchBuilder(
        magic=2,
        compression_type=CODECS[codec],
        is_transactional=False,
        producer_id=-1,
        producer_epoch=-1,
        base_sequence=-1,
        batch_size=1 << 20,
    )
    for number, value in enumerate(values):
        builder.append(number, int(time.time() * 1000), None, value, [("h", b"\xff"), ("empty", None)])
    return bytes(builder.build())


def spoiled(whole: bytes, *, is_noticed: bool) -> bytes:
    """Return a batch whose records are garbage, with the checksum that they have now unless `is_noticed`."""
    start = DefaultRecordBatch.HEADER_STRUCT.size
    raw = bytearray(whole)
    raw[start:] = bytes(byte ^ 0x5A for byte in raw[start:])
    if not is_noticed:
        struct.pack_into(">I", raw, _CRC_AT, calc_crc32c(memoryview(raw)[_CHECKED_FROM:]))
    return bytes(raw)


def send_raw(servers: str, topic: str, raw: bytes) -> None:
    """Append a batch to the first partition."""
    produced = ProduceRequest.TopicProduceData
    data = produced(name=topic, partition_data=[produced.PartitionProduceData(index=0, records=raw)])
    request = ProduceRequest(
        transactional_id=None, acks=-1, timeout_ms=5000, topic_data=[data], max_version=8
    )
    with KafkaAdminClient(bootstrap_servers=servers) as admin:
        manager: Any = admin._manager
        node = next(broker.node_id for broker in manager.cluster.brokers())

        async def send() -> Any:
            return await manager.send(request, node_id=node)

        (answer,) = manager.run(send).responses
    assert answer.partition_responses[0].error_code == 0, answer
