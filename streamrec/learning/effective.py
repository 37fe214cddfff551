"""Events that take effect, by column: what the stream brings, and what a history is kept as."""

from collections.abc import Callable, Sequence
from itertools import compress
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.events.interaction import Interaction
from streamrec.domain.events.weights import IMPRESSION, LESS

Rows = NDArray[np.int64]

_NO_ROW = -1

T = TypeVar("T", bound=np.generic)


class EffectiveEvents(NamedTuple):
    """B events of weights other than zero, in their order.

    Attributes
    ----------
    user_rows, item_rows
        (B,); a dislike gives its item no row: -1.
    item_ids
        B ids.
    timestamps
        (B,) Unix seconds.
    weights
        (B,) by the events' types; negative: a dislike.
    values
        (B,) what each event was worth, NaN where it does not say.
    asks_less
        (B,) which dislikes ask for less of what their items are like.
    """

    user_rows: Rows
    item_rows: Rows
    item_ids: Sequence[str]
    timestamps: NDArray[np.float64]
    weights: NDArray[np.float64]
    values: NDArray[np.float64]
    asks_less: NDArray[np.bool_]

    @property
    def is_choice(self) -> NDArray[np.bool_]:
        """(B,) which are of positive weight."""
        return self.weights > 0

    def at(self, part: slice) -> "EffectiveEvents":
        """Return some events that follow one another."""
        return self._columns_at(part, self.item_ids[part])

    def where(self, is_kept: NDArray[np.bool_]) -> "EffectiveEvents":
        """Return the events of a (B,) mask."""
        return self._columns_at(is_kept, list(compress(self.item_ids, is_kept.tolist())))

    def _columns_at(self, part: slice | NDArray[np.bool_], item_ids: Sequence[str]) -> "EffectiveEvents":
        return EffectiveEvents(
            user_rows=self.user_rows[part],
            item_rows=self.item_rows[part],
            item_ids=item_ids,
            timestamps=self.timestamps[part],
            weights=self.weights[part],
            values=self.values[part],
            asks_less=self.asks_less[part],
        )


def effective_events(
    events: Sequence[Interaction],
    weights: NDArray[np.float64],
    user_rows_of: Callable[[list[str]], Rows],
    item_rows_of: Callable[[list[str]], Rows],
) -> EffectiveEvents:
    """Put those of N events that take effect into columns.

    Parameters
    ----------
    weights
        (N,); events of weight zero are left out.
    user_rows_of, item_rows_of
        Give the rows of ids, and new ones to new ids: of users first, and only of items that were chosen.
    """
    acting = list(compress(events, (weights != 0).tolist()))
    weights = weights[weights != 0]
    user_rows = user_rows_of([event.user_id for event in acting])
    item_ids = [event.item_id for event in acting]
    is_choice = weights > 0
    item_rows = np.full(len(acting), _NO_ROW)
    item_rows[is_choice] = item_rows_of(list(compress(item_ids, is_choice.tolist())))
    timestamps = np.array([event.timestamp for event in acting], np.float64)
    values = np.array([np.nan if event.value is None else event.value for event in acting], np.float64)
    is_less = np.array([event.type == LESS for event in acting], np.bool_)
    return EffectiveEvents(
        user_rows,
        item_rows=item_rows,
        item_ids=item_ids,
        timestamps=timestamps,
        weights=weights,
        values=values,
        asks_less=is_less & ~is_choice,
    )


class Shown(NamedTuple):
    """S impressions that weigh nothing, of users and items that have a row.

    Attributes
    ----------
    n_before
        (S,) how many choices come before each.
    user_rows, item_rows
        (S,).
    """

    n_before: Rows
    user_rows: Rows
    item_rows: Rows

    def among(self, of_choices: NDArray[T], of_shown: NDArray[T] | T | float) -> NDArray[T]:
        """Return a column of choices with what was shown between them, each at its place."""
        return np.insert(of_choices, self.n_before, of_shown) if len(self.n_before) else of_choices


_NO_ROWS: Rows = np.zeros(0, np.int64)
NOTHING_SHOWN = Shown(_NO_ROWS, _NO_ROWS, _NO_ROWS)


def shown_among(
    events: Sequence[Interaction],
    weights: NDArray[np.float64],
    user_rows_of: Callable[[list[str]], Rows],
    item_rows_of: Callable[[list[str]], Rows],
) -> Shown:
    """Return the impressions among N events.

    Parameters
    ----------
    weights
        (N,); an impression that weighs something is a choice, or a dislike.
    user_rows_of, item_rows_of
        Give the rows of ids, -1 to unknown ones: nobody and nothing becomes known by an impression.
    """
    is_shown = (weights == 0) & np.array([event.type == IMPRESSION for event in events], np.bool_)
    shown = list(compress(events, is_shown.tolist()))
    user_rows = user_rows_of([event.user_id for event in shown])
    item_rows = item_rows_of([event.item_id for event in shown])
    n_before = np.cumsum(weights > 0, dtype=np.int64)[is_shown]
    is_known = (user_rows >= 0) & (item_rows >= 0)
    return Shown(n_before[is_known], user_rows[is_known], item_rows[is_known])
