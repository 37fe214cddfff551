"""Search of every file, store, topic and log of an installation for one user."""

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Literal, NamedTuple

from models.checkpoint import checkpoint_folders
from streamrec.adapters.copying import open_copies
from streamrec.adapters.files.roles import SnapshotRoles
from streamrec.adapters.files.snapshot_retention import CHECKPOINTS
from streamrec.adapters.files.snapshots import list_generations
from streamrec.adapters.sqlite.connection import path_of
from streamrec.attribution.context import CHECKPOINT_FILE as ATTRIBUTION
from streamrec.cli.backup.backing_up import places_of
from streamrec.cli.user_data.entries import is_in_checkpoint
from streamrec.durable_files import previous_of
from streamrec.errors import CorruptArtifact
from streamrec.redaction import shown_url
from streamrec.settings.processes import LocationSettings
from streamrec.traces import Trace

Verdict = Literal["none", "later", "yours", "left"]

_OF_LOG = "of events from before the erasure, which count nowhere any more; goes with the log's retention"

LATER = {
    "interactions": _OF_LOG,
    "interactions.rejected": _OF_LOG,
    "impressions": _OF_LOG,
    "commands": "the order to erase; goes with the log's retention, which Kafka's has if it was given one",
    "user-vectors": "what tells readers of the erasure; SQLite: goes after 7 days, Kafka: by compaction",
    "steps_refused": "the mark that no step is taken; goes after 60 s",
    "steps-refused": "the mark that no step is taken; goes after 60 s",
}
"""Tables and topics that name an erased user for a while, and until when."""

_SQLITE_ENDS = (".db", ".db-wal", ".db-shm", ".db-journal")

_SEARCHED_AT_ONCE = 1 << 24


class Found(NamedTuple):
    """Result of the search in one part of a place.

    Attributes
    ----------
    n
        Rows, documents, keys, records or files that name the user.
    remark
        When it goes, or who removes it.
    """

    place: str
    part: str
    n: int
    verdict: Verdict
    remark: str = ""


class UserSearch(NamedTuple):
    """Search for one user.

    Attributes
    ----------
    came_back
        Whether there are events from after the erasure: then the user has a new life that is held.
    """

    trace: Trace
    locations: LocationSettings
    came_back: bool = False

    def everywhere(self) -> Iterator[Found]:
        """Yield what was found, part by part, also where nothing was.

        Raises
        ------
        Unavailable, ConfigurationError
            When a place can't be searched.
        """
        for url in places_of(self.locations).values():
            with closing(open_copies(url)) as copies:
                for part, n in copies.traces_of(self.trace).items():
                    yield self._judged(Found(shown_url(url), part, n, "none"))
        yield from self._checkpoints()
        yield from self._snapshots()
        yield self._attribution()
        yield from self._others()

    def _judged(self, found: Found) -> Found:
        if not found.n:
            return found
        if found.part in LATER:
            return found._replace(verdict="later", remark=LATER[found.part])
        return self._of_live_part(found)

    def _of_live_part(self, found: Found) -> Found:
        if self.came_back:
            return found._replace(verdict="later", remark="of the user's new life, after the erasure")
        return found._replace(verdict="left", remark="should be gone")

    def _checkpoints(self) -> Iterator[Found]:
        root = self.locations.artifacts_dir / CHECKPOINTS
        learning = SnapshotRoles(self.locations.artifacts_dir).read()[:2]
        for folder in sorted(root.iterdir()) if root.is_dir() else []:
            for number, checkpoint in enumerate(checkpoint_folders(folder)):
                try:
                    n = int(is_in_checkpoint(checkpoint, self.trace.user_id))
                except (CorruptArtifact, OSError):
                    if checkpoint.exists():
                        raise
                    continue  # the trainer has just removed it
                found = Found(str(root), f"{folder.name}/{checkpoint.name}", n, "none")
                if n and number == 0 and folder.name in learning:
                    found = self._of_live_part(found)
                elif n:
                    remark = "goes when the trainer has written newer ones, or with its generation"
                    found = found._replace(verdict="later", remark=remark)
                yield found

    def _snapshots(self) -> Iterator[Found]:
        artifacts_dir = self.locations.artifacts_dir
        for generation in list_generations(artifacts_dir):
            n = int(self.trace.is_in((artifacts_dir / generation / "user_ids.json").read_bytes()))
            remark = "goes when the next generation is trained and this one is removed" if n else ""
            yield Found(str(artifacts_dir), generation, n, "later" if n else "none", remark)

    def _attribution(self) -> Found:
        path = self.locations.artifacts_dir / ATTRIBUTION
        n = sum(one.exists() and self.trace.is_in(one.read_bytes()) for one in (path, previous_of(path)))
        remark = (
            "goes when the attribution has read the erasure, and what was before it has settled" if n else ""
        )
        return Found(str(path), "", n, "later" if n else "none", remark)

    def _others(self) -> Iterator[Found]:
        """Search what lies beside the files that are known, such as logs of processes."""
        roots, n_files = self._roots(), 0
        for path in sorted({path for root in roots for path in root.rglob("*") if path.is_file()}):
            if not self._is_known(path):
                n_files += 1
                if _names(path, self.trace):
                    is_log = path.suffix == ".log"
                    verdict: Verdict = "left" if is_log else "yours"
                    yield Found(str(path), "", 1, verdict, "no log line may" if is_log else "yours to remove")
        yield Found(", ".join(map(str, roots)), f"{n_files:,} other files", 0, "none")

    def _roots(self) -> list[Path]:
        files = [path_of(url) for url in places_of(self.locations).values() if url.startswith("sqlite:")]
        folders = sorted(
            {self.locations.artifacts_dir.absolute(), *(path.absolute().parent for path in files)}
        )
        return [one for one in folders if not any(other in one.parents for other in folders)]

    def _is_known(self, path: Path) -> bool:
        artifacts_dir = self.locations.artifacts_dir.absolute()
        attribution = artifacts_dir / ATTRIBUTION
        if path.name.endswith(_SQLITE_ENDS) or path in (attribution, previous_of(attribution)):
            return True
        known = {artifacts_dir / name for name in (CHECKPOINTS, *list_generations(artifacts_dir))}
        return any(folder in path.parents for folder in known)


def _names(path: Path, trace: Trace) -> bool:
    """Return whether a file names the user as a word of its own; packed files say nothing."""
    word = re.compile(rb"(?<![\w.-])" + re.escape(trace.raw) + rb"(?![\w.-])")
    overlap = 2 * len(trace.raw) + 16
    try:
        with path.open("rb") as file:
            before = b""
            while block := file.read(_SEARCHED_AT_ONCE):
                if word.search(before + block):
                    return True
                before = block[-overlap:]
    except FileNotFoundError:
        return False
    return False
