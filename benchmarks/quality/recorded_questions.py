"""Questions of a stream with all that a ranker sees of them, in files: to go through again and again.

What sources propose does not depend on the ranker: one that goes through the questions in their order ranks
what it would have ranked in the stream, but for the rounding to 16 bits.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality.blend_search import RecordedModel
from streamrec.domain.events.interaction import Interaction
from streamrec.domain.ranking import user_columns
from streamrec.domain.ranking.candidates import Candidates
from streamrec.domain.ranking.prequential import Events, Rows
from streamrec.domain.ranking.user_columns import SEGMENTS
from streamrec.domain.sources.table import COLUMNS
from streamrec.evaluation.models import Model
from streamrec.evaluation.prequential import run
from streamrec.evaluation.protocol import Protocol

_U = user_columns.N_COLUMNS

_ABOUT, _USERS, _FEATURES = "about.npy", "users.npy", "features.bin"


class RecordedCandidates(Candidates):
    """Candidates of a question of the past: their (N, 2 S + K + U) features; numbers count them."""

    def __init__(self, features: NDArray[np.float32], segment: str) -> None:
        self.proposals = {}
        self.n_sources = len(COLUMNS)
        self.segment = segment
        self.numbers = np.arange(len(features))
        self.features = features

    def rows_of(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return (M,) the rows of M candidates, -1 for what is none."""
        return np.where(numbers < len(self.numbers), numbers, -1)


class Question(NamedTuple):
    """One question.

    Attributes
    ----------
    position
        Of its event in the stream.
    target
        Number of what was chosen, -1 when no source proposed it.
    """

    position: int
    candidates: RecordedCandidates
    target: int


class RecordedQuestions:
    """Q questions in a folder that `record` wrote; memory holds the features of one at a time."""

    def __init__(self, folder: Path) -> None:
        # (Q, 4): position, target, number of the segment, number of candidates
        self._about = np.load(folder / _ABOUT)
        self._users = np.load(folder / _USERS)
        self._ends = self._about[:, 3].cumsum()
        flat = np.memmap(folder / _FEATURES, np.float16, "r")
        self._features = flat.reshape(int(self._ends[-1]), -1)

    def __len__(self) -> int:
        """Return Q."""
        return len(self._about)

    @property
    def positions(self) -> Rows:
        """(Q,) positions of their events in the stream."""
        positions: Rows = self._about[:, 0]
        return positions

    def __iter__(self) -> Iterator[Question]:
        """Yield the questions in the order of the stream."""
        return map(self.at, range(len(self)))

    def at(self, number: int) -> Question:
        """Return one question."""
        position, target, segment, n = self._about[number].tolist()
        features = np.empty((self._features.shape[1] + _U, n), np.float32)
        features[:-_U] = self._features[self._ends[number] - n : self._ends[number]].T
        features[-_U:] = self._users[number][:, None]
        return Question(position, RecordedCandidates(features.T, SEGMENTS[segment]), target)


class _WritingModel(RecordedModel):
    """The served model; it writes what each of its answers was made of into a file."""

    def __init__(self, history: Events, protocol: Protocol, features: BinaryIO) -> None:
        super().__init__(history, protocol)
        self.about: list[tuple[int, int, int, int]] = []
        self.users: list[NDArray[np.float32]] = []
        self._features = features
        self._position = len(history.user_rows)

    def learn(self, events: Events) -> None:
        super().learn(events)
        self._position += len(events.user_rows)

    def keep(self, candidates: Candidates, row: int, *, is_hit: bool) -> None:
        if len(candidates.numbers):
            segment = SEGMENTS.index(candidates.segment)
            self.about.append((self._position, row, segment, len(candidates.numbers)))
            self.users.append(candidates.features[0, -_U:])
            self._features.write(candidates.features[:, :-_U].astype(np.float16).tobytes())


def record(events: Iterable[Interaction], protocol: Protocol, folder: Path) -> RecordedQuestions:
    """Let the served model answer the questions of a stream, and keep them in a folder, once."""
    if not (folder / _ABOUT).exists():
        folder.mkdir(parents=True, exist_ok=True)
        models: list[_WritingModel] = []
        with (folder / _FEATURES).open("wb") as file:

            def fitted(history: Events, protocol: Protocol) -> _WritingModel:
                models.append(_WritingModel(history, protocol, file))
                return models[0]

            run(events, {"served": Model(fitted, has_chance=True)}, protocol)
        np.save(folder / _USERS, np.array(models[0].users))
        np.save(folder / _ABOUT, np.array(models[0].about))
    return RecordedQuestions(folder)
