"""Work of `restore`: everything is put back, and the name of the live generation last.

Until that stands there no process begins, so that a restore that was ended half way is no installation.
"""

import asyncio
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from streamrec.adapters.copying import kind_of, open_copies
from streamrec.adapters.opening import open_event_source, open_store
from streamrec.cli.backup.artifact_files import (
    holds_artifacts,
    remove_artifacts,
    restore_artifacts,
    restore_live,
)
from streamrec.cli.backup.backing_up import ARTIFACTS, places_of
from streamrec.cli.backup.manifest import BackupManifest, checked_manifest
from streamrec.cli.log_records import records_of
from streamrec.cli.screen import progress_bar
from streamrec.cli.training.initial_history import until_told
from streamrec.errors import ConfigurationError, Conflict, CorruptArtifact
from streamrec.markers import is_marker
from streamrec.ports import INTERACTIONS, Mark
from streamrec.redaction import shown_url
from streamrec.settings.processes import LocationSettings


def put_back(folder: Path, locations: LocationSettings, *, overwrite: bool) -> BackupManifest:
    """Put a backup where the settings say.

    Raises
    ------
    CorruptArtifact
        When the backup is not whole; nothing was changed then. Or when what stands there afterwards has
        other counts than it.
    Conflict
        When there is something already, and it was not said to replace it; or somebody works there.
    ConfigurationError
        When the backup is of other kinds of services.
    """
    manifest = checked_manifest(folder)
    places = places_of(locations)
    _check_kinds(manifest, places)
    _check_free(places, locations.artifacts_dir, overwrite=overwrite)
    remove_artifacts(locations.artifacts_dir)
    # The events first: whether their place can take them is the least certain.
    names = ["events", *(name for name in places if name != "events")]
    with progress_bar("Restoring", len(names)) as show:
        for n_done, name in enumerate(names):
            show(n_done)
            _restore(name, places[name], folder, manifest)
        show(len(names))
    restore_artifacts(folder / ARTIFACTS, locations.artifacts_dir)
    log = _rename_log(manifest, locations)
    _erase_again(manifest, locations, log)
    restore_live(folder / ARTIFACTS, locations.artifacts_dir)
    return manifest


def _check_kinds(manifest: BackupManifest, places: Mapping[str, str]) -> None:
    given = {name: kind_of(url) for name, url in places.items()}
    wanted = {name: part.kind for name, part in manifest.parts.items()}
    if given != wanted:
        raise ConfigurationError(
            f"the backup holds {_words_of(wanted)}, and the settings name {_words_of(given)}: set the"
            " STREAMREC_..._URL to services of the same kinds"
        )


def _words_of(kinds: Mapping[str, str]) -> str:
    return ", ".join(f"{name} of {kind}" for name, kind in sorted(kinds.items()))


def _check_free(places: Mapping[str, str], artifacts_dir: Path, *, overwrite: bool) -> None:
    reasons = []
    if not overwrite and holds_artifacts(artifacts_dir):
        reasons.append(f"{artifacts_dir} holds generations already")
    for url in places.values():
        try:
            with closing(open_copies(url)) as copies:
                copies.check_free(overwrite=overwrite)
        except Conflict as error:
            reasons.append(str(error))
    if reasons:
        mend = "" if overwrite else "; restore to another place, or replace what is there: --overwrite"
        raise Conflict("; ".join(reasons) + mend)


def _restore(name: str, url: str, folder: Path, manifest: BackupManifest) -> None:
    wanted = manifest.parts[name].counts
    with closing(open_copies(url)) as copies:
        found = copies.restore_from(folder / name)
    # A cache loses what expires.
    if found != wanted and name != "cache":
        differing = [one for one in {*found, *wanted} if found.get(one) != wanted.get(one)]
        raise CorruptArtifact(f"{shown_url(url)} has other counts than the backup: {', '.join(differing)}")


def _rename_log(manifest: BackupManifest, locations: LocationSettings) -> str:
    """Let erasures be those of the log that was restored; return its identity."""
    with closing(open_event_source(locations.events_url, [INTERACTIONS], "backup")) as source:
        log: str = until_told()(source.identity_of, INTERACTIONS)
    if log != manifest.log:
        with closing(open_copies(locations.store_url)) as copies:
            copies.rename_log(manifest.log, log)
    return log


def _erase_again(manifest: BackupManifest, locations: LocationSettings, log: str) -> None:
    """Erase who was erased while the backup was made, after the store was copied."""
    before = manifest.read_before.get(INTERACTIONS, {})
    marks: dict[str, tuple[dict[int, int], float]] = {}
    for record in records_of(locations.events_url, INTERACTIONS):
        if record.offset >= before.get(record.partition, 0) and is_marker(record.value):
            offsets, _ = marks.setdefault(record.key, ({}, record.timestamp))
            offsets[record.partition] = record.offset
    if marks:
        asyncio.run(_erase(locations.store_url, log, marks))


async def _erase(store_url: str, log: str, marks: Mapping[str, tuple[dict[int, int], float]]) -> None:
    store = open_store(store_url)
    try:
        for user_id, (offsets, erased_at) in marks.items():
            await store.erase_user(user_id)
            await store.note_erasure(user_id, Mark(log, offsets), erased_at)
            await store.erase_batch_lists(user_id)
    finally:
        await store.aclose()
