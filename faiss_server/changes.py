"""Applies records of the logs to one generation's index."""

from collections.abc import Sequence

import msgspec
import numpy as np
import structlog

from faiss_server.kinds import ITEMS, Kind
from streamrec.adapters.faiss_index import FaissIndex
from streamrec.adapters.faiss_rows import are_acceptable
from streamrec.errors import InvalidEvent
from streamrec.ports import Metrics, Record
from streamrec.wire import VectorRecord, decode_command, decode_vector

_log = structlog.get_logger()


class ChangeApplier:
    """Knows which records concern the index, and which of two contradicting ones is newer.

    A deletion ordered on the commands log takes effect before the trainer publishes its tombstone. The two
    logs have no common order, so a vector published before the order is passed over: it must not bring the
    item, or the user, back.

    Attributes
    ----------
    newest_published_at
        Unix seconds of the newest vector applied; None before the first.
    n_applied, n_rejected
        Vectors and deletions that took effect; records that could not be read or do not fit.
    """

    def __init__(
        self, index: FaissIndex, generation: str, created_at: float, metrics: Metrics, kind: Kind = ITEMS
    ) -> None:
        """Apply to `index`; commands given before `created_at` (Unix seconds) are in it already."""
        self._index = index
        self._kind = kind
        self._generation = generation
        self._created_at = created_at
        self._metrics = metrics
        self._deleted_at: dict[str, float] = {}
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
                self._deleted_at[record.key] = command.at
                n_deleted = self._index.delete([record.key])
                self.n_applied += n_deleted
                self._metrics.count(f"{self._kind.metrics}.applied", n_deleted)

    def apply_vectors(self, records: Sequence[Record]) -> None:
        """Write and forget vectors; of a key's records the last counts."""
        vectors: dict[str, bytes] = {}
        gone: dict[str, None] = {}
        for record in records:
            change = self._read(record)
            if change is None:
                continue
            id_ = change.item_id or record.key
            vectors.pop(id_, None)
            gone.pop(id_, None)
            if change.vector is None:
                gone[id_] = None
            else:
                vectors[id_] = change.vector
                self.newest_published_at = max(change.published_at, self.newest_published_at or 0.0)
        self._upsert(vectors)
        n_deleted = self._index.delete(list(gone))
        self.n_applied += n_deleted
        self._metrics.count(f"{self._kind.metrics}.applied", len(vectors) + n_deleted)

    def _read(self, record: Record) -> VectorRecord | None:
        """Return the change if it concerns this index; its vector fits then."""
        if record.value is None:
            return VectorRecord(self._generation, None, record.timestamp)
        try:
            change = decode_vector(record.value)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            self._reject(record, str(error))
            return None
        if change.generation != self._generation:
            return None
        if change.vector is not None:
            if len(change.vector) != 4 * self._index.dimension:
                self._reject(record, f"a vector of {len(change.vector)} bytes")
                return None
            if change.published_at <= self._deleted_at.get(change.item_id or record.key, float("-inf")):
                return None
        return change

    def _upsert(self, vectors: dict[str, bytes]) -> None:
        if not vectors:
            return
        ids = list(vectors)
        matrix = np.frombuffer(b"".join(vectors.values()), "<f4").reshape(len(ids), -1)
        is_good = are_acceptable(matrix)
        if not is_good.all():
            n_bad = int(len(ids) - is_good.sum())
            self._count_rejected(n_bad)
            _log.warning("vectors_not_finite", n=n_bad, generation=self._generation)
            ids, matrix = [ids[row] for row in np.flatnonzero(is_good)], matrix[is_good]
        self._index.upsert(ids, self._kind.indexed(matrix))
        self.n_applied += len(ids)

    def _reject(self, record: Record, reason: str) -> None:
        self._count_rejected(1)
        _log.warning("record_rejected", topic=record.topic, offset=record.offset, reason=reason)

    def _count_rejected(self, n: int) -> None:
        self.n_rejected += n
        self._metrics.count(f"{self._kind.metrics}.rejected", n)
