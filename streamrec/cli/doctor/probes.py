"""Probes through the adapters: write, read, delete; each returns a note, or raises what is wrong."""

import asyncio
import os
import shutil
import socket
import time
import uuid
from pathlib import Path
from urllib.parse import urlsplit

from streamrec.adapters.files.roles import SnapshotRoles
from streamrec.adapters.files.snapshots import current_generation, read_snapshot
from streamrec.adapters.opening import (
    open_cache,
    open_cache_publisher,
    open_event_sink,
    open_event_source,
    open_store,
    open_trainer_store,
    require_codecs,
)
from streamrec.adapters.statsd.metrics import StatsdMetrics, open_metrics
from streamrec.cli.doctor.rejections import rejections_in
from streamrec.domain.items.item import Item
from streamrec.errors import Unavailable
from streamrec.ports import PROBES, Message, RankedItem
from streamrec.process.lease import owner_name
from streamrec.redaction import shown_url
from streamrec.settings.key_file import keys_in

PROBE = "streamrec-doctor"
"""The id under which probes are written: nobody else's."""

_PATIENCE_S = 10.0
_LEASE_S = 1.0


def probe_log(url: str) -> str:
    """Append a record, read it back, and append its tombstone."""
    require_codecs(url)
    value = uuid.uuid4().bytes
    sink = open_event_sink(url)
    try:
        source = open_event_source(url, [PROBES], "doctor")
        try:
            source.seek(source.end_offsets())
            sink.append(PROBES, [Message(PROBE, value)])
            deadline = time.monotonic() + _PATIENCE_S
            while value not in [record.value for record in source.poll(100, 0.5)]:
                if time.monotonic() > deadline:
                    raise Unavailable(f"{shown_url(url)}: a record was appended, but could not be read back")
        finally:
            source.close()
        sink.append(PROBES, [Message(PROBE, None)])
    finally:
        sink.close()
    return "a record appended, read back and withdrawn"


def probe_events(url: str) -> str:
    """Do as `probe_log` does; tell of records that were rejected."""
    return probe_log(url) + rejections_in(url)


def probe_store(url: str) -> str:
    """Take and give back a lease; write, read and delete an item and a user's attributes."""
    trainer_store = open_trainer_store(url)
    try:
        lease = trainer_store.acquire(PROBE, owner_name(), _LEASE_S, time.time())
        if lease is not None:  # None: another doctor looks at this very moment
            trainer_store.release(lease)
    finally:
        trainer_store.close()
    asyncio.run(_probe_documents(url))
    return "a lease, an item and a user written, read back and deleted"


async def _probe_documents(url: str) -> None:
    store = open_store(url)
    item = Item(PROBE, title=str(uuid.uuid4()), is_hidden=True)
    try:
        await store.put_items([item])
        await store.put_attributes(PROBE, {"title": item.title})
        found = await store.get_items([PROBE]), await store.get_user(PROBE)
        await store.delete_item(PROBE)
        await store.erase_user(PROBE)
    finally:
        await store.aclose()
    if found[0] != {PROBE: item} or found[1] is None or found[1].attributes != {"title": item.title}:
        raise Unavailable(f"{shown_url(url)}: what was written could not be read back")


def probe_cache(url: str) -> str:
    """Publish, read and empty a ranking; cache, read and drop an item."""
    publisher = open_cache_publisher(url)
    try:
        publisher.publish_popular({PROBE: [RankedItem(PROBE, 1.0)]})
        is_read_back = asyncio.run(_probe_cached(url))
        publisher.publish_popular({PROBE: []})
    finally:
        publisher.close()
    if not is_read_back:
        raise Unavailable(f"{shown_url(url)}: what was written could not be read back")
    return "a ranking and an item written, read back and deleted"


async def _probe_cached(url: str) -> bool:
    cache = open_cache(url)
    # An id of its own: of one that the recommender was probed with the cache knows a newer version.
    item = Item(f"{PROBE}.{uuid.uuid4()}", is_hidden=True)
    try:
        await cache.put_items([item])
        found = await cache.get_items([item.item_id]), await cache.popular(PROBE, 1)
        await cache.drop_items([item.item_id])
    finally:
        await cache.aclose()
    return found == ({item.item_id: item}, [RankedItem(PROBE, 1.0)])


def probe_artifacts(artifacts_dir: Path, least_free_bytes: int = 1_000_000_000) -> str:
    """Write, read and delete a file; look at the free space and verify the live snapshot."""
    probe = artifacts_dir / f".{PROBE}.{os.getpid()}"
    content = os.urandom(4096)
    try:
        artifacts_dir.mkdir(parents=True, exist_ok=True)
        try:
            with probe.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            is_read_back = probe.read_bytes() == content
        finally:
            probe.unlink(missing_ok=True)
        free = shutil.disk_usage(artifacts_dir).free
    except OSError as error:
        raise Unavailable(f"{artifacts_dir} can't be written: {error.strerror}") from error
    if not is_read_back:
        raise Unavailable(f"{artifacts_dir}: what was written could not be read back")
    if free < least_free_bytes:
        raise Unavailable(f"{artifacts_dir}: only {free / 1e9:.1f} GB of disk are free")
    return f"a file written, read back and deleted; {free / 1e9:,.0f} GB free; {_live_model(artifacts_dir)}"


def _live_model(artifacts_dir: Path) -> str:
    generation = current_generation(artifacts_dir)
    if generation is None:
        return "no model yet (initial_training.py makes the first)"
    snapshot = read_snapshot(artifacts_dir, generation)
    note = f"generation {generation} with {len(snapshot.items.ids):,} items is whole"
    roles = SnapshotRoles(artifacts_dir).read()
    if roles.under_way is not None:
        return f"{note}; {roles.champion} is being promoted"
    return note if roles.challenger is None else f"{note}; {roles.challenger} is its challenger"


def probe_statsd(url: str) -> str:
    """Send a counter; a port of this machine on which nobody listens is noticed."""
    metrics = open_metrics(url)
    metrics.count("doctor.probes")
    if isinstance(metrics, StatsdMetrics):
        metrics.close()
    parts = urlsplit(url)
    try:
        host, port = parts.hostname or "", parts.port or 8125
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect(address)
            for _ in range(2):  # the refusal of the first datagram is reported by the second
                probe.send(b"streamrec.doctor.probes:1|c")
                time.sleep(0.05)
    except OSError as error:
        raise Unavailable(f"{shown_url(url)}: {error.strerror}") from error
    return "a counter sent (whether it was counted, only statsd knows)"


def probe_api_keys(path: Path) -> str:
    """Read the file of keys."""
    return f"keys: {len(keys_in(path))}"
