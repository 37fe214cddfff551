"""The product's own streaming models, which learn a history in order of time and answer as of its end."""

from typing import ClassVar

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse

from lab.matrices.cells import CellRules
from lab.matrices.user_items import UserItems
from lab.models.contents import Contents, csr_arrays, user_items_contents
from lab.scoring.scoring_model import History, Rows, Scores, ScoringModel
from streamrec.domain.popularity.recency import AGE_DECAY
from streamrec.domain.ranking.prequential import Events
from streamrec.errors import CorruptArtifact, InvalidInput
from streamrec.evaluation.covisitation_ranker import CoVisitationRanker
from streamrec.learning.learner import Learner, use_one_thread
from streamrec.learning.state.trainer_state import TrainerState
from streamrec.settings.processes import LearningSettings, TrainerSettings

_BATCH = 1024


class StreamedGmfOptions(msgspec.Struct, frozen=True):
    """Options of replaying a history through the learner; what is not named is as the product has it.

    Attributes
    ----------
    n_negatives, n_replayed
        As the settings of those names. The product's own 100 and 4 learn a third as many events a second.
    """

    cells: CellRules = CellRules()
    seed: int = 42
    n_negatives: int = 20
    n_replayed: int = 0

    def __post_init__(self) -> None:
        """Refuse what can't be."""
        if self.n_negatives < 1 or min(self.n_replayed, self.seed) < 0:
            raise InvalidInput(
                f"n_negatives is {self.n_negatives}, n_replayed {self.n_replayed}, seed {self.seed};"
                " wanted at least 1, 0 and 0"
            )


class StreamedGmf(ScoringModel):
    """The incrementally trained GMF: each event is learned once, in order of time, without predictions."""

    kind: ClassVar[str] = "streamed_gmf"

    def __init__(self, options: StreamedGmfOptions) -> None:
        self._options, self._rules = options, options.cells
        self.fit(())

    def learn(self, history: History) -> None:
        """Learn a history."""
        options = self._options
        learner = Learner(
            LearningSettings(
                seed=options.seed, n_negatives=options.n_negatives, n_replayed=options.n_replayed
            )
        )
        use_one_thread()
        events = _events_of(history)
        for first in range(0, len(events.user_rows), _BATCH):
            batch = events.at(slice(first, first + _BATCH))
            learner.learn(batch.user_rows, batch.item_rows, batch.weights, batch.timestamps)
        model, matrix = learner.model, history.matrix
        # Rows beyond those that were learned: of who was only shown things, and of items nobody chose.
        model.grow_to(len(matrix.users), len(matrix.items))
        users = model.user_vectors(torch.arange(len(matrix.users))).numpy()
        items = model.item_vectors(torch.arange(len(matrix.items))).numpy()
        is_chosen = np.diff(matrix.seen.T.tocsr().indptr) > 0
        self._set(matrix, users, items, is_chosen)

    def scores(self, rows: Rows) -> Scores:
        """Return (B, I) ``log(1 + e^logit)``: above 0, and in the order of the logits."""
        logits = self._users[rows] @ self._items.T
        scores: Scores = np.logaddexp(logits, np.float32(0), dtype=np.float32)
        scores[:, ~self._is_chosen] = 0
        return scores

    def contents(self) -> Contents:
        """Return all that a file must hold."""
        own = user_items_contents(self._options, self.matrix)
        return Contents(own.options, own.ids, {**own.arrays, "users": self._users, "items": self._items})

    @classmethod
    def restored(cls, contents: Contents) -> "StreamedGmf":
        """Return the model that a file holds."""
        model = cls(contents.options_as(StreamedGmfOptions))
        matrix = contents.user_items()
        users = contents.array("users", len(matrix.users))
        items = contents.array("items", len(matrix.items))
        if users.shape[1] != items.shape[1]:
            raise CorruptArtifact("users and items have vectors of different lengths")
        model._set(matrix, users, items, np.diff(matrix.seen.T.tocsr().indptr) > 0)
        return model

    def _set(
        self,
        matrix: UserItems,
        users: NDArray[np.float32],
        items: NDArray[np.float32],
        is_chosen: NDArray[np.bool_],
    ) -> None:
        self.matrix, self._users, self._items, self._is_chosen = matrix, users, items, is_chosen


class StreamedOptions(msgspec.Struct, frozen=True):
    """Options of a streamed model: all else is as the product has it."""

    cells: CellRules = CellRules()


class StreamedCoVisitation(ScoringModel):
    """Co-visitation as the trainer counts it; a user is judged by what was chosen last."""

    kind: ClassVar[str] = "streamed_covisitation"

    def __init__(self, options: StreamedOptions) -> None:
        self._options, self._rules = options, options.cells
        self.fit(())

    def learn(self, history: History) -> None:
        """Learn a history."""
        state = TrainerState("lab", LearningSettings(), TrainerSettings())
        ranker = CoVisitationRanker(state.covisitation, state.history_length, state.n_recent)
        ranker.learn(_events_of(history))
        matrix, n_items = history.matrix, len(history.matrix.items)
        nearest = state.covisitation.neighbours(
            np.arange(state.covisitation.n_items), state.covisitation.n_kept
        )
        is_there = (nearest.rows >= 0) & (nearest.rows < n_items)
        lines = np.repeat(np.arange(len(nearest.rows)), is_there.sum(axis=1))
        pairs = (lines, nearest.rows[is_there])
        is_known = lines < n_items
        self.matrix = matrix
        self._neighbours = sparse.csr_array(
            (nearest.similarities[is_there][is_known], tuple(side[is_known] for side in pairs)),
            shape=(n_items, n_items),
        )
        last = ranker.latest(np.arange(len(matrix.users)))
        users, ages = np.nonzero(last >= 0)
        self._last = sparse.csr_array(
            (AGE_DECAY ** ages.astype(np.float64), (users, last[users, ages].astype(np.int64))),
            shape=(len(matrix.users), n_items),
        )

    def scores(self, rows: Rows) -> Scores:
        """Return (B, I) sums of similarities to the user's last items, older ones counting less."""
        scores: Scores = (self._last[rows] @ self._neighbours).toarray().astype(np.float32)
        return scores

    def contents(self) -> Contents:
        """Return all that a file must hold."""
        own = user_items_contents(self._options, self.matrix)
        tables = csr_arrays("neighbours", self._neighbours) | csr_arrays("last", self._last)
        return Contents(own.options, own.ids, {**own.arrays, **tables})

    @classmethod
    def restored(cls, contents: Contents) -> "StreamedCoVisitation":
        """Return the model that a file holds."""
        model = cls(contents.options_as(StreamedOptions))
        matrix = contents.user_items()
        n_users, n_items = len(matrix.users), len(matrix.items)
        model.matrix = matrix
        model._neighbours = contents.csr("neighbours", (n_items, n_items))
        model._last = contents.csr("last", (n_users, n_items))
        return model


def _events_of(history: History) -> Events:
    """Return the choices as the learner takes them."""
    choices = history.choices
    return Events(
        choices.user_rows, choices.item_rows, choices.timestamps, choices.weights.astype(np.float32)
    )
