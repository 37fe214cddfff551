"""The trainer's state behind the ports of the servers: what they would answer if all were published now."""

from collections.abc import Sequence

import numpy as np
import torch

from streamrec.domain.ranking.published_blend import Blend
from streamrec.domain.users.user import UserDocument
from streamrec.learning.state.trainer_state import TrainerState
from streamrec.ports import ByVector, IndexAnswer, ItemQuery, Neighbours, RankedItem, UserProfile
from streamrec.publishing.views import blend_of, item_vectors, neighbours_of, popular, user_states
from streamrec.serving.guard import Answered
from streamrec.serving.recommender import UNKNOWN_USER


class LiveUsers:
    """The users, as a store would return them."""

    def __init__(self, state: TrainerState) -> None:
        self._state = state

    async def profile(self, user_id: str, *, with_seen: bool) -> Answered[UserProfile]:
        """Return document and, if wanted, seen items of a user."""
        state = self._state
        row = state.user_ids.row(user_id)
        if not 0 <= row < state.learner.model.users.n_rows:
            return Answered(UNKNOWN_USER)
        (user,) = user_states(state, np.array([row]))
        seen = self._seen(row, user.n_events, user.recent) if with_seen else []
        return Answered(UserProfile(UserDocument(user_id, user), seen))

    def _seen(self, row: int, n_events: int, recent: Sequence[str]) -> list[str]:
        state = self._state
        if n_events <= state.n_recent:
            return list(dict.fromkeys(recent))
        is_own = state.learner.known_among(row, np.arange(state.learner.model.items.n_rows))
        return state.item_ids.ids_at(np.flatnonzero(is_own).tolist())


class LiveCache:
    """Rankings for everybody, as `Rankings`.

    Parameters
    ----------
    n_neighbours
        Published for an item at most.
    """

    def __init__(self, state: TrainerState, n_neighbours: int) -> None:
        self._state = state
        self._n_neighbours = n_neighbours
        self._rankings: dict[str, list[RankedItem]] = {}

    def renew(self) -> None:
        """Rank what is popular anew, as the trainer does once a second."""
        self._rankings.clear()

    async def popular(self, name: str, limit: int) -> list[RankedItem]:
        """Return the head of a window's ranking."""
        if name not in self._rankings:
            self._rankings[name] = popular(self._state, name)
        return self._rankings[name][:limit]

    async def neighbours(self, item_ids: Sequence[str]) -> dict[str, Neighbours]:
        """Return the neighbours of these, nearest first."""
        rows = self._state.item_ids.rows_of(list(item_ids))
        return neighbours_of(self._state, rows[rows >= 0], self._n_neighbours)

    async def blend(self) -> Blend | None:
        """Return what was learned of how to blend sources."""
        return blend_of(self._state)


class LiveIndex:
    """The item vectors, searched exactly, as `VectorSearch`."""

    def __init__(self, state: TrainerState) -> None:
        self._state = state

    async def search(self, query: ItemQuery) -> IndexAnswer:
        """Return up to `k` items by inner product."""
        state = self._state
        vector = self._vector(query)
        if vector is None:
            return IndexAnswer(state.generation, is_missing=True)
        # The table may be longer than the ids: it grows ahead.
        scores = (state.learner.model.items.rows[: state.item_ids.n_rows] @ vector).numpy()
        excluded = state.item_ids.rows_of(list(query.exclude))
        scores[excluded[excluded >= 0]] = -np.inf
        best = np.argpartition(-scores, min(query.k, len(scores)) - 1)[: query.k] if len(scores) else excluded
        best = best[np.isfinite(scores[best])]
        best = best[np.argsort(-scores[best], kind="stable")]
        living = [row for row in best.tolist() if state.item_ids.id_at(row) is not None]
        return IndexAnswer(state.generation, state.item_ids.ids_at(living), scores[living].tolist())

    async def vectors(self, item_ids: Sequence[str], generation: str | None = None) -> dict[str, bytes]:
        """Return the vectors of those that live; there is one generation here."""
        rows = self._state.item_ids.rows_of(list(item_ids))
        return dict(item_vectors(self._state, rows[rows >= 0]))

    def _vector(self, query: ItemQuery) -> torch.Tensor | None:
        if isinstance(query, ByVector):
            return torch.from_numpy(np.frombuffer(query.vector, "<f4").copy())
        row = self._state.item_ids.row(query.id)
        rows: torch.Tensor = self._state.learner.model.items.rows
        return rows[row].clone() if 0 <= row < len(rows) else None
