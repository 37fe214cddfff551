"""Predict, then learn: how well models would have answered each event just before it happened."""

from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.popularity import Popularity
from streamrec.domain.ranking_metrics import MISS, rank_of

Rows = NDArray[np.int64]


class Events(NamedTuple):
    """N positive events by column, in the order in which they happened.

    Attributes
    ----------
    user_rows, item_rows
        (N,) int64. Items are numbered by first appearance, so those seen so far are the first ones.
    timestamps
        (N,) Unix seconds.
    weights
        (N,) float32, positive.
    """

    user_rows: Rows
    item_rows: Rows
    timestamps: NDArray[np.float64]
    weights: NDArray[np.float32]

    def at(self, positions: slice | Rows) -> "Events":
        """Return some of the events."""
        return Events(
            self.user_rows[positions],
            self.item_rows[positions],
            self.timestamps[positions],
            self.weights[positions],
        )


class Ranker(Protocol):
    """A model that learns as it goes."""

    def scores(self, user_row: int, n_items: int) -> NDArray[np.floating]:
        """Return (n_items,), the score of each of the first items for a user; higher is better."""

    def learn(self, events: Events) -> None:
        """Learn B events in their order."""


def padded(scores: NDArray[np.floating], n_items: int) -> NDArray[np.floating]:
    """Return (n_items,) scores, with the lowest for items at the end that a model does not know yet."""
    if len(scores) == n_items:
        return scores
    longer = np.full(n_items, -np.inf)
    longer[: len(scores)] = scores
    return longer


class PopularityRanker:
    """Ranks every user's items by their counts in one window."""

    def __init__(self, popularity: Popularity, window: str) -> None:
        self._popularity = popularity
        self._window = window

    def scores(self, user_row: int, n_items: int) -> NDArray[np.floating]:
        """Return (n_items,) counts."""
        return padded(self._popularity.scores(self._window)[:n_items], n_items)

    def learn(self, events: Events) -> None:
        """Count B events."""
        self._popularity.add(events.item_rows, events.timestamps, events.weights)


class SeenItems:
    """What each user chose so far, and which items anybody did."""

    def __init__(self, events: Events) -> None:
        self.n_items = 0
        self._by_user: dict[int, dict[int, None]] = {}
        self._items: set[int] = set()
        for user, item in zip(events.user_rows.tolist(), events.item_rows.tolist(), strict=True):
            self.add(user, item)

    def add(self, user: int, item: int) -> None:
        """Note an event."""
        self._by_user.setdefault(user, {})[item] = None
        self._items.add(item)
        self.n_items = max(self.n_items, item + 1)

    def is_question(self, user: int, item: int) -> bool:
        """Return whether an event can be predicted: by a known user, of an item that is new to them."""
        chosen = self._by_user.get(user)
        return chosen is not None and item not in chosen

    def rank(self, scores: NDArray[np.floating], user: int, item: int) -> int:
        """Return the item's rank among all that the user has not chosen; `MISS` for one never seen."""
        if item not in self._items:
            return MISS
        chosen = self._by_user[user]
        return rank_of(scores, item, np.fromiter(chosen, np.int64, len(chosen)))


def prequential_ranks(
    models: Mapping[str, Ranker],
    events: Events,
    start: int,
    *,
    stride: int = 1,
    batch_size: int = 1,
    on_progress: Callable[[int], None] = lambda n_events: None,
) -> dict[str, Rows]:
    """Let models predict and then learn the events from `start` on; they know the earlier ones.

    An event is a question if its user was seen before and its item is new to that user. All models answer
    the same questions.

    Parameters
    ----------
    stride
        Only events whose place is a multiple of it are questions; all are learned.
    batch_size
        Events that are predicted before any of them is learned.
    on_progress
        Called with the number of events done since the last call.

    Returns
    -------
    ranks
        Model name -> (Q,) rank of the chosen item, from 0; `MISS` where no model could know it.
    """
    seen = SeenItems(events.at(slice(0, start)))
    ranks: dict[str, list[int]] = {name: [] for name in models}
    for first in range(start, len(events.user_rows), batch_size):
        batch = events.at(slice(first, first + batch_size))
        pairs = zip(batch.user_rows.tolist(), batch.item_rows.tolist(), strict=True)
        for place, (user, item) in enumerate(pairs, start=first):
            if place % stride == 0 and seen.is_question(user, item):
                for name, model in models.items():
                    ranks[name].append(seen.rank(model.scores(user, seen.n_items), user, item))
            seen.add(user, item)
        for model in models.values():
            model.learn(batch)
        on_progress(len(batch.user_rows))
    return {name: np.array(of_model, np.int64) for name, of_model in ranks.items()}
