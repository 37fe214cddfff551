"""The trainer's state in place of what the servers read: what they would see if all were published now."""

from collections.abc import Collection, Sequence

import numpy as np
import torch

from streamrec.domain.popularity.ranked_item import RankedNumbers, Ranking
from streamrec.domain.ranking.candidates import Proposal
from streamrec.domain.rows.item_numbers import ItemNumbers
from streamrec.domain.similarity.neighbour import Near
from streamrec.domain.sources.cohorts import WINDOW as COHORTS
from streamrec.domain.sources.cohorts import ranking_of
from streamrec.domain.sources.findings import Findings, Nearest
from streamrec.domain.sources.request_context import RequestContext
from streamrec.domain.sources.source import NEAREST, NEIGHBOURS, Need
from streamrec.domain.users.user import UserDocument
from streamrec.learning.state.hidden_items import are_hidden
from streamrec.learning.state.trainer_state import TrainerState
from streamrec.learning.state.user_cohorts import cohorts_of_user
from streamrec.ports import UserProfile
from streamrec.publishing.cohorts import cohort_rankings
from streamrec.publishing.views import item_vectors, popular, user_states
from streamrec.serving.guard import Answered
from streamrec.serving.recommender import UNKNOWN_USER
from streamrec.serving.sources.reading_nearest import N_SCORED


class LiveUsers:
    """The users, as a store would return them."""

    def __init__(self, state: TrainerState) -> None:
        self._state = state

    async def profile(self, user_id: str, *, with_seen: bool) -> Answered[UserProfile]:
        """Return document and, if wanted, seen items of a user."""
        state = self._state
        row = state.user_ids.row(user_id)
        cohorts = cohorts_of_user(state, user_id)
        if not 0 <= row < state.learner.model.users.n_rows:
            return Answered(UNKNOWN_USER._replace(cohorts=cohorts))
        (user,) = user_states(state, np.array([row]))
        seen = self._seen(row, user.n_events, user.recent) if with_seen else []
        return Answered(UserProfile(UserDocument(user_id, user), seen, cohorts))

    def _seen(self, row: int, n_events: int, recent: Sequence[str]) -> list[str]:
        state = self._state
        if n_events <= state.n_recent:
            return list(dict.fromkeys(recent))
        is_own = state.learner.known_among(row, np.arange(state.learner.model.items.n_rows))
        return state.item_ids.ids_at(np.flatnonzero(is_own).tolist())


class StateReader:
    """Reads what the sources need from the trainer's state, by its own rows; searches exactly.

    Parameters
    ----------
    n_neighbours
        Published for an item at most.
    """

    def __init__(self, state: TrainerState, n_neighbours: int) -> None:
        self._state = state
        self._n_neighbours = n_neighbours
        self._rankings: dict[str, RankedNumbers] = {}
        self._items = ItemNumbers(state.item_ids)
        self._n_released = state.item_ids.n_released

    def renew(self) -> None:
        """Rank what is popular anew, as the trainer does once a second."""
        self._rankings.clear()

    async def read(self, context: RequestContext, needs: Collection[Need], n: int) -> Findings:
        """Return what is needed to propose up to `n` items of each source."""
        ids = self._state.item_ids
        if self._items.ids is not ids:
            self._items = ItemNumbers(ids)
        if self._n_released != ids.n_released:
            # The row of an item that was deleted is free, or another's by now.
            self._rankings.clear()
            self._n_released = ids.n_released
        history = context.read_history() if NEIGHBOURS in needs else []
        return Findings(
            context,
            self._items,
            self._nearest(context, n) if NEAREST in needs else None,
            self.neighbours(history),
            self._rankings_of([need.window for need in needs if need.window], context),
        )

    async def vectors(self, item_ids: Sequence[str], generation: str | None) -> Answered[dict[str, bytes]]:
        """Return the vectors of those that live; there is one generation here."""
        rows = self._state.item_ids.rows_of(list(item_ids))
        return Answered(dict(item_vectors(self._state, rows[rows >= 0])))

    async def knows(self, item_id: str) -> bool:
        """Return whether anybody has chosen this item."""
        return item_id in self._state.item_ids

    def neighbours(self, item_ids: Sequence[str]) -> dict[str, Near]:
        """Return the neighbours of those that live, nearest first; no hidden ones."""
        state = self._state
        rows = state.item_ids.rows_of(item_ids)
        known = {id_: row for id_, row in zip(item_ids, rows.tolist(), strict=True) if row >= 0}
        if not known:
            return {}
        near = state.covisitation.neighbours(np.array(list(known.values())), self._n_neighbours)
        is_there = near.rows >= 0
        if state.hidden_items:
            is_there &= ~are_hidden(state)[near.rows]
        # To the digits that are published: two that are alike there are alike here.
        columns = (near.rows, near.similarities.round(6), near.follows.round(6), near.supports.round(3))
        tables = np.stack(columns, axis=-1, dtype=np.float64)
        return {id_: Near(table[is_in]) for id_, table, is_in in zip(known, tables, is_there, strict=True)}

    def _rankings_of(self, windows: Sequence[str], context: RequestContext) -> dict[str, RankedNumbers]:
        rankings = {window: self.popular(window) for window in windows if window != COHORTS}
        if COHORTS in windows:
            missing = [token for token in context.cohorts if ranking_of(token) not in self._rankings]
            for name, ranked in cohort_rankings(self._state, missing).items() if missing else ():
                self._rankings[name] = Ranking(ranked).by_number(self._items)
            rankings |= {name: self._rankings[name] for name in map(ranking_of, context.cohorts)}
        return rankings

    def popular(self, window: str) -> RankedNumbers:
        """Return the ranking of a window of popularity."""
        if window not in self._rankings:
            self._rankings[window] = Ranking(popular(self._state, window)).by_number(self._items)
        return self._rankings[window]

    def _nearest(self, context: RequestContext, n: int) -> Nearest | None:
        """Return what the index would: items by inner product; None where there is nothing to go by."""
        state = self._state
        vector = self._vector(context)
        if vector is None:
            return None
        # The table may be longer than the ids: it grows ahead.
        scores = (state.learner.model.items.rows[: state.item_ids.n_rows] @ vector).numpy().astype(np.float64)
        gone = state.item_ids.rows_of([*context.banned, *((context.item_id,) if context.is_by_item else ())])
        scores[gone[gone >= 0]] = -np.inf
        if state.hidden_items:
            scores[are_hidden(state)[: len(scores)]] = -np.inf
        n = max(n, N_SCORED) if context.vector is not None else n
        best = np.argpartition(-scores, min(n, len(scores)) - 1)[:n] if len(scores) else gone
        best = best[np.isfinite(scores[best])]
        best = best[np.argsort(-scores[best], kind="stable")]
        if len(state.item_ids) < state.item_ids.n_rows:  # some were deleted, and their rows are free
            best = best[[state.item_ids.id_at(row) is not None for row in best.tolist()]]
        return Nearest(Proposal(best, scores[best], is_logit=True), state.generation)

    def _vector(self, context: RequestContext) -> torch.Tensor | None:
        if context.vector is not None:
            return torch.from_numpy(np.frombuffer(context.vector, "<f4").copy())
        row = -1 if context.item_id is None else self._state.item_ids.row(context.item_id)
        rows: torch.Tensor = self._state.learner.model.items.rows
        if not 0 <= row < len(rows):
            return None
        vector = rows[row].clone()
        vector[-1] = 0.0  # how popular it is says nothing of what it is like
        return vector
