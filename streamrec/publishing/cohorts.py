"""Publishing of what cohorts choose, some of them at a time."""

from collections.abc import Sequence

from streamrec.domain.sources.cohorts import ranking_of
from streamrec.learning.state.hidden_items import are_hidden
from streamrec.learning.state.trainer_state import TrainerState
from streamrec.ports import RankedItem

N_RANKED = 200
"""Items of a cohort's ranking."""

_AT_ONCE = 20
"""Cohorts ranked in one turn, some .2 ms each: all else in the trainer waits for it."""


def cohort_rankings(state: TrainerState, tokens: Sequence[int]) -> dict[str, list[RankedItem]]:
    """Return what cohorts choose, by the names of the rankings; no hidden items."""
    is_hidden = are_hidden(state) if state.hidden_items else None
    return {
        ranking_of(token): [
            RankedItem(id_, share)
            for row, share in zip(ranked.item_rows.tolist(), ranked.shares.tolist(), strict=True)
            if (id_ := state.item_ids.id_at(row)) is not None
        ]
        for token, ranked in zip(tokens, state.cohorts.shares(tokens, N_RANKED, is_hidden), strict=True)
    }


class CohortTurns:
    """Turns in which cohorts are published."""

    def __init__(self, state: TrainerState) -> None:
        self._state = state
        self._last: dict[int, None] = {}

    @property
    def published(self) -> tuple[int, ...]:
        """Return the tokens of cohorts whose rankings are out: nobody asks for others."""
        return tuple(self._last)

    @property
    def names(self) -> set[str]:
        """Return the names of their rankings."""
        return set(map(ranking_of, self._last))

    def begin_again(self) -> None:
        """Let none be out: the cache may have lost them."""
        self._last.clear()

    def next(self) -> dict[str, list[RankedItem]]:
        """Return the rankings of the next turn: first such as are not out yet, then those out for longest.

        The ranking of a cohort that is not shown any more is empty, which removes it.
        """
        shown = self._state.cohorts.shown()
        gone = self._last.keys() - set(shown)
        new = [token for token in shown if token not in self._last]
        turn = [*new, *(token for token in self._last if token not in gone)][:_AT_ONCE]
        for token in (*gone, *turn):
            self._last.pop(token, None)
        self._last.update(dict.fromkeys(turn))
        removed: dict[str, list[RankedItem]] = {ranking_of(token): [] for token in gone}
        return removed | cohort_rankings(self._state, turn)
