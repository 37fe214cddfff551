"""Work of `backup`: in an order in which nothing that is copied needs what came after it.

1. Checkpoints, snapshots and roles: they name offsets in the logs, and count things as published.
2. Where the events end now is written down, and then the document store, the cache and the vectors are
   copied. All that the checkpoints count as published is in them; what was published since does no harm, for
   it is published again.
3. The events, up to where they end now: behind every offset that was copied.
4. Checksums of all files, and the manifest. A backup without one is none.
"""

import time
from contextlib import closing
from pathlib import Path

from streamrec import __version__
from streamrec.adapters.copying import kind_of, open_copies
from streamrec.adapters.opening import open_event_source
from streamrec.cli.backup.artifact_files import copy_artifacts
from streamrec.cli.backup.manifest import (
    FORMAT_VERSION,
    BackupManifest,
    PartCopy,
    checks_of,
    write_backup_manifest,
)
from streamrec.cli.screen import progress_bar
from streamrec.cli.training.initial_history import until_told
from streamrec.durable_files import sync
from streamrec.errors import Conflict, Unavailable
from streamrec.ports import INTERACTIONS
from streamrec.settings.processes import LocationSettings

ARTIFACTS = "artifacts"


def places_of(locations: LocationSettings) -> dict[str, str]:
    """Return the URLs of the places that are copied, in the order in which they are; each once."""
    places = {"store": locations.store_url, "cache": locations.cache_url}
    if locations.vectors_url != locations.events_url:
        places["changelog"] = locations.vectors_url
    return places | {"events": locations.events_url}


def back_up(folder: Path, locations: LocationSettings) -> BackupManifest:
    """Copy everything into a new folder.

    Raises
    ------
    Conflict
        When the folder holds something.
    ConfigurationError
        When a place can't be backed up, or refuses us.
    Unavailable
        When a place does not answer, or the folder can't be written; the backup is none then.
    """
    places = places_of(locations)
    kinds = {name: kind_of(url) for name, url in places.items()}
    if folder.exists() and any(folder.iterdir()):
        raise Conflict(f"{folder} holds something already: a backup takes a new folder")
    try:
        (folder / ARTIFACTS).mkdir(parents=True)
        generation = copy_artifacts(locations.artifacts_dir, folder / ARTIFACTS)
        log, read_before = _end_of_events(locations)
        parts = {}
        with progress_bar("Copying", len(places)) as show:
            for n_done, (name, url) in enumerate(places.items()):
                show(n_done)
                (folder / name).mkdir()
                with closing(open_copies(url)) as copies:
                    parts[name] = PartCopy(kinds[name], dict(copies.copy_to(folder / name)))
            show(len(places))
        sync(folder)
        manifest = BackupManifest(
            FORMAT_VERSION, __version__, time.time(), generation, log, {INTERACTIONS: read_before}, parts,
            checks_of(folder),
        )  # fmt: skip
        write_backup_manifest(folder, manifest)
    except OSError as error:
        raise Unavailable(f"{folder} can't be written: {error}") from error
    return manifest


def _end_of_events(locations: LocationSettings) -> tuple[str, dict[int, int]]:
    patient = until_told()
    with closing(open_event_source(locations.events_url, [INTERACTIONS], "backup")) as source:
        return patient(source.identity_of, INTERACTIONS), patient(source.end_offsets).get(INTERACTIONS, {})
