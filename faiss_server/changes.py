"""Applies records of the logs to one generation's index."""

from collections import OrderedDict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from faiss_server.kinds import ITEMS, Kind
from streamrec.adapters.faiss.index import FaissIndex
from streamrec.adapters.faiss.rows import are_acceptable
from streamrec.domain.events.values import check_id
from streamrec.domain.generations.changelog import of_changelog_key
from streamrec.errors import InvalidEvent
from streamrec.ports import Metrics, Record
from streamrec.telemetry import Digest
from streamrec.wire import VectorRecord, decode_command, decode_vector


class _Change(NamedTuple):
    """The vector that an id gets; None: it is gone. `published_at` is in Unix seconds."""

    id_: str
    vector: bytes | None
    published_at: float


class _Deletion(NamedTuple):
    """Order to delete an id: the command's offset, and its Unix seconds."""

    offset: int
    at: float


_MOST_ANNOUNCED = 1000
"""A tombstone follows at once; some records of another trainer may come in between."""


_MOST_DELETIONS = 100_000
"""Remembered, those that were ordered last: vectors published before them are under way for seconds."""


class ChangeApplier:
    """Knows which records concern the index, and which of two contradicting ones is newer.

    A deletion ordered on the commands log takes effect before the trainer publishes its tombstone. A vector
    says which commands its writer knew of, so one that was gathered before the order is passed over: it must
    not bring the item, or the user, back. Of older records, which do not say so, the times are compared.

    A trainer that lost its lease may write once more before it knows: what comes with an older token than
    was seen is passed over, too.

    Attributes
    ----------
    newest_published_at
        Unix seconds of the newest vector applied; None before the first.
    n_applied, n_rejected
        Vectors and deletions that took effect; records that could not be read or do not fit.
    """

    def __init__(
        self,
        index: FaissIndex,
        generation: str,
        created_at: float,
        metrics: Metrics,
        kind: Kind = ITEMS,
        slot: int = 0,
    ) -> None:
        """Apply to `index` what concerns a generation.

        Parameters
        ----------
        created_at
            Unix seconds; commands given before are in the index already; minus infinity: none such is read.
        slot
            Of the generation's keys in the changelog, see `changelog_key`.
        """
        self._index = index
        self._kind = kind
        self._generation = generation
        self._created_at = created_at
        self._metrics = metrics
        self._slot = slot
        self._deleted: OrderedDict[str, _Deletion] = OrderedDict()
        self._token = 0
        self._stale = Digest("stale_vectors")
        self._announced: set[str] = set()
        self._rejections = Digest("records_rejected")
        self.newest_published_at: float | None = None
        self.n_applied = 0
        self.n_rejected = 0

    def apply_commands(self, records: Sequence[Record]) -> None:
        """Forget those that were ordered away."""
        for record in records:
            try:
                command = decode_command(record.value or b"")
            except InvalidEvent as error:
                self._reject(record, str(error))
                continue
            if command.name == self._kind.deletion and command.at > self._created_at:
                self._note_deletion(record.key, _Deletion(record.offset, command.at))
                n_deleted = self._index.delete([record.key])
                self.n_applied += n_deleted
                self._metrics.count(f"{self._kind.metrics}.applied", n_deleted)

    def _note_deletion(self, id_: str, deletion: _Deletion) -> None:
        self._deleted.pop(id_, None)
        self._deleted[id_] = deletion
        if len(self._deleted) > _MOST_DELETIONS:
            self._deleted.popitem(last=False)

    def apply_vectors(self, records: Sequence[Record]) -> None:
        """Write and forget vectors; of a key's records the last one that is good counts."""
        changes = self._good([change for record in records if (change := self._read(record)) is not None])
        last: dict[str, _Change] = {}
        for change in changes:
            last.pop(change.id_, None)
            last[change.id_] = change
            if change.vector is not None:
                self.newest_published_at = max(change.published_at, self.newest_published_at or 0.0)
        n_written = self._upsert({id_: change.vector for id_, change in last.items() if change.vector})
        n_deleted = self._index.delete([id_ for id_, change in last.items() if change.vector is None])
        self.n_applied += n_written + n_deleted
        self._metrics.count(f"{self._kind.metrics}.applied", n_written + n_deleted)

    def _read(self, record: Record) -> _Change | None:
        """Return the change if it concerns this index; its vector is of the right length then."""
        if record.value is None:
            return self._read_tombstone(record)
        try:
            change = decode_vector(record.value)
            if change.vector is None:
                self._announce(record.key)
            else:
                self._announced.discard(record.key)
            if change.generation != self._generation:
                return None
            id_ = check_id("key", record.key) if change.item_id is None else change.item_id
        except InvalidEvent as error:
            self._reject(record, str(error))
            return None
        if self._is_stale(change, id_, record):
            return None
        if change.vector is not None and len(change.vector) != 4 * self._index.dimension:
            self._reject(record, f"a vector of {len(change.vector)} bytes")
            return None
        return _Change(id_, change.vector, change.published_at)

    def _is_stale(self, change: VectorRecord, id_: str, record: Record) -> bool:
        if change.token < self._token:
            self._metrics.count(f"{self._kind.metrics}.fenced")
            self._stale.note(
                1,
                f"{record.topic} at offset {record.offset}: token {change.token} after {self._token}; if the"
                " leases were given back from a backup, train a generation anew",
            )
            return True
        self._token = change.token
        deletion = self._deleted.get(id_)
        if change.vector is None or deletion is None:
            return False
        if change.commands_read is None:
            return change.published_at <= deletion.at
        return change.commands_read <= deletion.offset

    def begin_logs_again(self) -> None:
        """Compare no offsets with those of a log that was replaced or cut."""
        self._deleted.clear()

    def _announce(self, key: str) -> None:
        if len(self._announced) >= _MOST_ANNOUNCED:
            self._announced.clear()  # of a log that has no tombstones
        self._announced.add(key)

    def _read_tombstone(self, record: Record) -> _Change | None:
        """Return the change of a record without a value, if it concerns this index.

        One that follows its announcement adds nothing: that says more, such as of which generation it is. One
        alone is what compaction left of both.
        """
        if record.key in self._announced:
            self._announced.remove(record.key)
            return None
        id_, slot = of_changelog_key(record.key)
        return _Change(id_, None, record.timestamp) if slot == self._slot else None

    def _good(self, changes: Sequence[_Change]) -> list[_Change]:
        """Return those changes whose vectors hold numbers to search by."""
        vectors = [change.vector for change in changes if change.vector is not None]
        are_good = iter(are_acceptable(self._matrix_of(vectors)).tolist())
        good = [change for change in changes if change.vector is None or next(are_good)]
        if n_bad := len(changes) - len(good):
            self._count_rejected(n_bad, "a number of a vector is not finite or too large")
        return good

    def _matrix_of(self, vectors: Sequence[bytes]) -> NDArray[np.float32]:
        return np.frombuffer(b"".join(vectors), "<f4").reshape(len(vectors), self._index.dimension)

    def _upsert(self, vectors: dict[str, bytes]) -> int:
        if vectors:
            matrix = self._matrix_of(list(vectors.values()))
            self._index.upsert(list(vectors), self._kind.indexed(matrix))
        return len(vectors)

    def _reject(self, record: Record, reason: str) -> None:
        self._count_rejected(1, f"{record.topic} at offset {record.offset}: {reason}")

    def _count_rejected(self, n: int, example: str) -> None:
        self.n_rejected += n
        self._rejections.note(n, example)
        self._metrics.count(f"{self._kind.metrics}.rejected", n)
