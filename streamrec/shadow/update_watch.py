"""Watch over updates: what the stream makes of the model is held against what it was."""

from collections.abc import Sequence

import numpy as np
import structlog
from numpy.typing import NDArray

from streamrec.domain.events.interaction import Interaction
from streamrec.domain.ranking.metrics import rank_of
from streamrec.learning.state.trainer_state import TrainerState
from streamrec.publishing.views import stream_time
from streamrec.shadow.busiest_user import BusiestUser
from streamrec.shadow.model_watch import POPULARITY, ModelWatch
from streamrec.shadow.past_models import PastModels


class UpdateWatch:
    """Watches whether the model gets worse, and whether one user sends most of what it learns.

    Parameters
    ----------
    k
        Length of the lists: a rank below it is a hit.
    reverts_worse
        Whether the model goes back by itself once it has come to be worse than popularity, or than it was.
    """

    def __init__(self, state: TrainerState, k: int, *, reverts_worse: bool) -> None:
        self._state = state
        self._past_models = PastModels(state.learner.model, self._stream_now())
        self._model, self._busiest_user = ModelWatch(k), BusiestUser()
        self._reverts_worse, self._n_reverts = reverts_worse, 0

    def note_events(self, events: Sequence[Interaction]) -> None:
        """Note who sent the events of a batch."""
        self._busiest_user.note([event.user_id for event in events], len(self._state.user_ids))

    def note_ranks(self, event: Interaction, rank: int, of_popularity: int, own: NDArray[np.int64]) -> None:
        """Note where the model and popularity ranked the item of an event that is not learned yet.

        Parameters
        ----------
        own
            (E,) items that are no candidates, for the user has chosen them.
        """
        state = self._state
        user_row, item_row = state.user_ids.row(event.user_id), state.item_ids.row(event.item_id)
        scores = self._past_models.scores(user_row, state.learner.model.items.n_rows, event.timestamp)
        of_past = {name: rank_of(of_all, item_row, own) for name, of_all in scores.items()}
        self._model.note(event.user_id, rank, {POPULARITY: of_popularity} | of_past)

    def note_checkpoint(self) -> None:
        """Note that the state is written down as it is: if it is good, later models are held against it."""
        self._past_models.note_checkpoint(self._stream_now(), is_passed=self._model.is_clear)

    def revert_if_worse(self, now: float) -> None:
        """Bring what the model knows of items back to the last checkpoint that passed, if it is so set.

        What was counted stays, and so does what the stream said since of users.
        """
        if not self._reverts_worse or not self._model.is_alarmed:
            return
        self._past_models.go_back()
        self._model.clear()
        self._state.mark_all(now)
        self._n_reverts += 1
        structlog.get_logger().error("worse_model_reverted", n_reverts=self._n_reverts)

    def forget_users(self, user_ids: Sequence[str]) -> None:
        """Drop what is kept of users who are gone."""
        self._busiest_user.forget(user_ids)
        self._model.forget(set(user_ids))

    def gauges(self) -> dict[str, float]:
        """Return what was found, by metric name."""
        of_reverts = {"worse_model_reverts": float(self._n_reverts)}
        return self._model.gauges() | self._busiest_user.gauges() | of_reverts

    def _stream_now(self) -> float:
        return stream_time(self._state).now
