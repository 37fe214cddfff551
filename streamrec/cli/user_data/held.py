"""Reading of what the parts of an installation hold of one user; nothing is changed."""

import asyncio
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import msgspec

from models.checkpoint import checkpoint_folders
from streamrec.adapters.files.snapshots import list_generations, read_snapshot
from streamrec.adapters.opening import open_cache, open_event_source, open_store, open_trainer_store
from streamrec.attribution.checkpoint import AttributionCheckpoint
from streamrec.attribution.context import CHECKPOINT_FILE
from streamrec.cli.log_records import records_of
from streamrec.cli.training.initial_history import until_told
from streamrec.cli.user_data.entries import (
    as_entry,
    command_of,
    readable,
    readable_vector,
    row_in,
    value_of,
    vector_in,
)
from streamrec.cli.user_data.json_sections import Section
from streamrec.datasets.archive.reading import archived, logs_in
from streamrec.domain.events.erasure import Erasure, VoidEvents, digest_of, is_same_log
from streamrec.domain.experiments.assignment import Assigner
from streamrec.domain.generations.changelog import of_changelog_key
from streamrec.errors import CorruptArtifact
from streamrec.ports import (
    COMMANDS,
    IMPRESSIONS,
    INTERACTIONS,
    REJECTED,
    USER_VECTORS,
    DocumentStore,
    HotCache,
    Record,
)
from streamrec.settings.processes import LocationSettings

_GROUP = "export"

MOST_SEEN = 200_000
"""Seen items that are read: retention keeps 10,000 of a user, unless it was told otherwise."""


class HeldOfUser(NamedTuple):
    """The parts that are read, and the user.

    Attributes
    ----------
    archive
        Folder of an archive of the log; None: there is none, or it is not to be read.
    """

    user_id: str
    locations: LocationSettings
    archive: Path | None = None

    def sections(self) -> Iterator[Section]:
        """Yield what is held, part by part; each is read while its section is.

        Raises
        ------
        Damaged, CorruptArtifact
            When a part can't be read: what it holds of the user is not known then.
        """
        with asyncio.Runner() as runner:
            store, cache = open_store(self.locations.store_url), open_cache(self.locations.cache_url)
            try:
                yield from runner.run(self._in_stores(store, cache))
            finally:
                runner.run(store.aclose())
                runner.run(cache.aclose())
        yield Section("erasures", self._erasures())
        yield Section("events", self._events())
        yield Section("rejected", self._of_topic(self.locations.events_url, REJECTED))
        yield Section("shown", self._of_topic(self.locations.events_url, IMPRESSIONS))
        yield Section("commands", self._of_topic(self.locations.events_url, COMMANDS))
        yield Section("published_vectors", self._vectors())
        yield Section("snapshots", self._snapshots())
        yield Section("checkpoints", self._checkpoints())
        yield Section("attribution", self._attribution())
        yield Section("archive", self._archived() if self.archive is not None else ())

    def came_back(self) -> bool:
        """Return whether there are events from after the user's last erasure."""
        events = (one for one in self._events() if one["counts"])
        return any(not _is_marker(one["value"]) for one in events)

    def last_erasure(self) -> Erasure | None:
        """Return the user's erasure in the log of the events; None where there is none."""
        patient, url = until_told(), self.locations.events_url
        with (
            closing(open_trainer_store(self.locations.store_url)) as store,
            closing(open_event_source(url, [INTERACTIONS], _GROUP)) as source,
        ):
            digest = digest_of(self.user_id, patient(store.erasure_salt))
            log = patient(source.identity_of, INTERACTIONS)
            found = [one for one in patient(store.read_erasures, [digest]) if is_same_log(one.log, log)]
        return max(found, key=lambda one: one.erased_at, default=None)

    def n_live_vectors(self) -> int:
        """Return in how many slots of the changelog the user's last record has a vector."""
        last = {one["key"]: one["value"] for one in self._vectors()}
        return sum(isinstance(value, dict) and value["vector"] is not None for value in last.values())

    async def _in_stores(self, store: DocumentStore, cache: HotCache) -> list[Section]:
        document = await store.get_user(self.user_id)
        lists = [
            {"name": batch.name, "items": await store.get_batch_list(batch, self.user_id)}
            for batch in await store.get_batches()
        ]
        running = Assigner((await store.get_experiments()).experiments)
        attributes = {} if document is None else document.attributes
        assigned = [
            {"experiment": one.experiment.id, "version": one.experiment.version, "variant": one.variant}
            for one in running.assigned(self.user_id, attributes)
        ]
        challenger = await store.get_challenger_user(self.user_id)
        seen = await store.seen_items(self.user_id, MOST_SEEN)
        steps = [msgspec.structs.asdict(step) for step in await cache.steps(self.user_id)]
        return [
            Section("document", [] if document is None else [readable(document)]),
            Section("challenger", [] if challenger is None else [readable_vector(challenger)]),
            Section("seen", seen),
            Section("lists", [one for one in lists if one["items"]]),
            Section("experiments", assigned, is_evidence=False),
            Section("steps", steps),
        ]

    def _erasures(self) -> Iterator[object]:
        """Yield where in the log the user was erased."""
        with closing(open_trainer_store(self.locations.store_url)) as store:
            digest = digest_of(self.user_id, until_told()(store.erasure_salt))
            for one in until_told()(store.read_erasures, [digest]):
                yield {"log": one.log, "offsets": one.offsets, "erased_at": one.erased_at}

    def _events(self) -> Iterator[dict[str, object]]:
        """Yield the user's events in the log; those from before an erasure count nowhere."""
        void = self._void()
        for record in records_of(self.locations.events_url, INTERACTIONS):
            if self._is_of_user(record):
                counts = not void.contains(self.user_id, record.partition, record.offset)
                yield as_entry(record) | {"counts": counts}

    def _void(self) -> VoidEvents:
        with closing(open_trainer_store(self.locations.store_url)) as store:
            void = VoidEvents(until_told()(store.erasure_salt))
        erasure = self.last_erasure()
        void.add([] if erasure is None else [erasure])
        return void

    def _of_topic(self, url: str, topic: str) -> Iterator[object]:
        return (as_entry(record) for record in records_of(url, topic) if self._is_of_user(record))

    def _is_of_user(self, record: Record) -> bool:
        """Return whether a record names the user: by its key, or as the user that it tells of."""
        if record.topic == COMMANDS:
            return record.key == self.user_id and command_of(record.value) in ("user_changed", "user_erased")
        if record.key == self.user_id:
            return True
        # Senders of events may use other keys.
        value = value_of(record.value) if record.value and b"user_id" in record.value else None
        return isinstance(value, dict) and str(value.get("user_id")) == self.user_id

    def _vectors(self) -> Iterator[dict[str, object]]:
        for record in records_of(self.locations.vectors_url, USER_VECTORS):
            if of_changelog_key(record.key)[0] == self.user_id:
                yield as_entry(record) | {"value": vector_in(record.value)}

    def _snapshots(self) -> Iterator[object]:
        for generation in list_generations(self.locations.artifacts_dir):
            users = read_snapshot(self.locations.artifacts_dir, generation).users
            if self.user_id in users.ids:
                vector = users.vectors[users.ids.index(self.user_id)].tolist()
                yield {"generation": generation, "vector": vector}

    def _checkpoints(self) -> Iterator[object]:
        for folder in trainer_checkpoints(self.locations.artifacts_dir):
            try:
                yield from row_in(folder, self.user_id)
            except (CorruptArtifact, OSError):
                if folder.exists():  # else the trainer has just removed it, for there are newer ones
                    raise

    def _attribution(self) -> Iterator[object]:
        saved = AttributionCheckpoint(self.locations.artifacts_dir / CHECKPOINT_FILE).read()
        if saved is None:
            return
        state = saved.state
        for waiting in (one for _, _, one in state.waiting if one.user_id == self.user_id):
            yield {"waits": waiting}
        for shown in (one for one in state.lists if one.user_id == self.user_id):
            yield {"may_be_answered": shown}
        for rate in (one for one in state.rates if one[0] == self.user_id):
            yield {"rate": rate[1], "at": rate[2]}
        for experiment, tally in state.tallies.items():
            if self.user_id in tally.open:
                yield {"experiment": experiment, "outcome": tally.open[self.user_id]}

    def _archived(self) -> Iterator[object]:
        assert self.archive is not None
        for log in logs_in(self.archive):
            for one in archived(self.archive, log):
                if one.event.user_id == self.user_id:
                    yield {"event": one.event, "partition": one.partition, "offset": one.offset}


def trainer_checkpoints(artifacts_dir: Path) -> list[Path]:
    """Return the checkpoints of all generations, those of a generation newest first."""
    root = artifacts_dir / "checkpoints"
    generations = sorted(root.iterdir()) if root.is_dir() else []
    return [folder for generation in generations for folder in checkpoint_folders(generation)]


def _is_marker(value: object) -> bool:
    return isinstance(value, dict) and value.get("record") == "user_erased"
