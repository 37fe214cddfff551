"""Housekeeping of a trainer's process, composed of the parts that are in use."""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from streamrec.adapters.files.roles import CHANGELOG_SLOT, SnapshotRoles
from streamrec.adapters.files.snapshot_retention import GenerationRetention
from streamrec.adapters.files.snapshots import current_generation, list_generations, read_manifest
from streamrec.adapters.sqlite.connection import path_of
from streamrec.adapters.sqlite.retention.changelog import Keys, SqliteChangelogRetention
from streamrec.adapters.sqlite.retention.log import LogBounds, SqliteLogRetention
from streamrec.adapters.sqlite.retention.store import (
    SqliteCacheRetention,
    SqliteDeletedItemsRetention,
    SqliteSeenRetention,
)
from streamrec.attribution.checkpoint import AttributionCheckpoint
from streamrec.attribution.context import CHECKPOINT_FILE as ATTRIBUTION_FILE
from streamrec.bars.checkpoint import BarsCheckpoint
from streamrec.bars.context import CHECKPOINT_FILE
from streamrec.cli.training.retention_settings import RetentionSettings
from streamrec.domain.generations.changelog import changelog_key
from streamrec.errors import Damaged, InvalidEvent, UnknownId
from streamrec.learning.state.checkpoints import Checkpoints
from streamrec.payload import decoded
from streamrec.ports import IMPRESSIONS, INTERACTIONS, ITEM_VECTORS, USER_VECTORS, Metrics, Offsets, earliest
from streamrec.process.scoped_metrics import metrics_of
from streamrec.settings.processes import LocationSettings
from streamrec.trainer.housekeeping import Housekeeping, Task
from streamrec.wire import decode_vector

_decode_ids = msgspec.json.Decoder(list[str]).decode

_ROLES = {ITEM_VECTORS: "item", USER_VECTORS: "user"}
"""Topics of vectors, and what the files of their ids in a snapshot are called."""


def open_housekeeping(
    locations: LocationSettings, metrics: Metrics, retention: RetentionSettings | None = None
) -> Housekeeping:
    """Return what removes too old things from the parts that the settings name.

    Parameters
    ----------
    retention
        None: as the environment says.
    """
    retention = retention or RetentionSettings()
    return Housekeeping(
        dict(_tasks(locations, retention)), retention.interval_s, metrics_of("champion", metrics)
    )


def _tasks(locations: LocationSettings, retention: RetentionSettings) -> Iterator[tuple[str, Task]]:
    artifacts_dir = locations.artifacts_dir
    generations = GenerationRetention(
        artifacts_dir, retention.n_old_generations, retention.least_generation_age_s
    )
    yield "generations", generations.prune
    if locations.events_url.startswith("sqlite:"):
        bounds = LogBounds(retention.log_age_s, retention.log_bytes)
        yield "log", _prune_log(path_of(locations.events_url), bounds, artifacts_dir)
    if locations.vectors_url.startswith("sqlite:"):
        yield (
            "changelog",
            _Changelog(path_of(locations.vectors_url), artifacts_dir, retention.tombstone_age_s).prune,
        )
    if locations.cache_url.startswith("sqlite:"):
        yield "cache", SqliteCacheRetention(path_of(locations.cache_url)).prune
    if locations.store_url.startswith("sqlite:"):
        store = path_of(locations.store_url)
        yield "seen", SqliteSeenRetention(store, retention.seen_of_user).prune
        yield "deleted_items", SqliteDeletedItemsRetention(store, retention.tombstone_age_s).prune
    elif locations.store_url.startswith("mongodb"):
        # Imported where it is wanted: whoever runs on SQLite needs no driver in memory.
        from streamrec.adapters.mongo.connection import address_of
        from streamrec.adapters.mongo.retention import MongoSeenRetention

        yield "seen", MongoSeenRetention(address_of(locations.store_url), retention.seen_of_user).prune


def _prune_log(path: Path, bounds: LogBounds, artifacts_dir: Path) -> Task:
    log = SqliteLogRetention(path, bounds)
    known: dict[Path, Offsets] = {}
    return lambda: log.prune(needed_offsets(artifacts_dir, known))


def needed_offsets(artifacts_dir: Path, known: dict[Path, Offsets]) -> Offsets | None:
    """Return from where on the checkpoints on disk need the stream's logs; None while there is none.

    Parameters
    ----------
    known
        What checkpoints said before; they never change. Those that are gone are removed from it.
    """
    live = current_generation(artifacts_dir)
    if live is None:
        return None
    roles = SnapshotRoles(artifacts_dir).read()
    trained = list_generations(artifacts_dir)
    newer = trained[trained.index(live) + 1 :] if live in trained else []  # one may be about to get a role
    names = [name for name in (live, *roles[:2], *newer) if name is not None]
    found = [offsets for name in names for offsets in Checkpoints(artifacts_dir, name).offsets_of_all(known)]
    if not found:
        return None
    needed = earliest(found)
    bars, attribution = artifacts_dir / CHECKPOINT_FILE, artifacts_dir / ATTRIBUTION_FILE
    if bars.exists():
        of_bars: Offsets = {INTERACTIONS: {}, **BarsCheckpoint(bars).needed_offsets()}
        needed = earliest([needed, needed | of_bars])
    if attribution.exists():
        of_lists: Offsets = {INTERACTIONS: {}, **AttributionCheckpoint(attribution).needed_offsets()}
        lists = {IMPRESSIONS: of_lists.pop(IMPRESSIONS, {})}
        needed = earliest([needed, needed | of_lists]) | lists
    return needed


class _Changelog:
    """The changelog's retention, and what it has to know of the snapshots."""

    def __init__(self, path: Path, artifacts_dir: Path, age_s: float) -> None:
        self._retention = SqliteChangelogRetention(path, _generation_of, age_s)
        self._artifacts_dir = artifacts_dir
        self._generations: frozenset[str] = frozenset()
        self._keys: dict[str, Keys] = {}

    def prune(self) -> int:
        roles = SnapshotRoles(self._artifacts_dir).read()
        names = {current_generation(self._artifacts_dir), *roles[:2]}
        generations = frozenset(name for name in names if name is not None)
        if not generations:
            return 0
        if generations != self._generations:
            self._keys = {
                topic: Keys(key for name in generations for key in self._keys_of(name, role))
                for topic, role in _ROLES.items()
            }
            self._generations = generations
        return self._retention.prune(generations, self._keys)

    def _keys_of(self, generation: str, role: str) -> Iterator[str]:
        slot: int = read_manifest(self._artifacts_dir, generation).provenance.get(CHANGELOG_SLOT, 0)
        path = self._artifacts_dir / generation / f"{role}_ids.json"
        try:
            ids = decoded(_decode_ids, path.read_bytes())
        except (OSError, Damaged) as error:
            raise UnknownId(f"{path}: {error}") from error
        return (changelog_key(id_, slot) for id_ in ids)


def _generation_of(value: bytes | None) -> str | None:
    if value is None:
        return None
    try:
        record = decode_vector(value)
    except InvalidEvent as error:
        raise ValueError(str(error)) from error
    return None if record.vector is None else record.generation
