"""Predict, then learn: how well models would have answered each event just before it happened."""

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.popularity.counts import Popularity
from streamrec.domain.ranking.metrics import MISS, rank_of

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

    def at(self, positions: slice | Rows | NDArray[np.bool_]) -> "Events":
        """Return some of the events."""
        return Events(
            self.user_rows[positions],
            self.item_rows[positions],
            self.timestamps[positions],
            self.weights[positions],
        )


class Ranker(Protocol):
    """A model that learns as it goes, and has a score for every item."""

    def scores(self, user_row: int, n_items: int, at: float | None = None) -> NDArray[np.floating]:
        """Return (n_items,), the score of each of the first items for a user; higher is better.

        They are as of a moment in Unix seconds; None: right after the user's newest event.
        """

    def learn(self, events: Events) -> None:
        """Learn B events in their order."""


@runtime_checkable
class ListRanker(Protocol):
    """A model that learns as it goes, and answers with a list, as a server does."""

    def best(self, user_row: int, k: int, at: float) -> Rows:
        """Return up to `k` item rows, best first, without those that the user may not be offered.

        Parameters
        ----------
        at
            When it is asked, in Unix seconds.
        """

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

    def scores(self, user_row: int, n_items: int, at: float | None = None) -> NDArray[np.floating]:
        """Return (n_items,) counts."""
        return padded(self._popularity.scores(self._window)[:n_items], n_items)

    def learn(self, events: Events) -> None:
        """Count B events."""
        self._popularity.add(events.user_rows, events.item_rows, events.timestamps, events.weights)


class Question(NamedTuple):
    """An event that can be predicted, as things stand just before it.

    Attributes
    ----------
    position
        Of the event in the stream.
    user_row, item_row
        Who chose, and the target: what models are to find.
    timestamp
        When it was chosen, in Unix seconds.
    n_items
        Items seen so far, which are the candidates.
    excluded
        (E,) rows that are no candidates: what the user has chosen already.
    is_target_known
        Whether anybody chose the target before; else no model can find it.
    """

    position: int
    user_row: int
    item_row: int
    timestamp: float
    n_items: int
    excluded: Rows
    is_target_known: bool

    def rank(self, scores: NDArray[np.floating]) -> int:
        """Return the target's rank by (n_items,) scores; `MISS` for one never seen."""
        return rank_of(scores, self.item_row, self.excluded) if self.is_target_known else MISS

    def rank_in(self, best: Rows) -> int:
        """Return the target's rank in a list, best first; `MISS` when it is not there."""
        found = np.flatnonzero(best == self.item_row)
        return int(found[0]) if len(found) else MISS


class Questioning(NamedTuple):
    """Rules that make questions of events.

    Attributes
    ----------
    stride
        Only events whose position is a multiple of it; all are learned.
    batch_size
        Events that are predicted before any of them is learned.
    with_repeats
        Whether a user is also asked about items chosen before, which are candidates then.
    """

    stride: int = 1
    batch_size: int = 1
    with_repeats: bool = False


ALL_QUESTIONS = Questioning()


class _Past:
    """Choices of each user so far, and of all."""

    def __init__(self, events: Events) -> None:
        self._n_items = 0
        self._by_user: dict[int, dict[int, None]] = {}
        self._items: set[int] = set()
        for user, item in zip(events.user_rows.tolist(), events.item_rows.tolist(), strict=True):
            self.add(user, item)

    def add(self, user: int, item: int) -> None:
        """Note an event."""
        self._by_user.setdefault(user, {})[item] = None
        self._items.add(item)
        self._n_items = max(self._n_items, item + 1)

    def question(
        self, position: int, event: tuple[int, int, float], *, with_repeats: bool
    ) -> Question | None:
        """Return an event as a question; None for an unknown user's, and for an item that is no candidate."""
        user, item, timestamp = event
        chosen = self._by_user.get(user)
        if chosen is None or (item in chosen and not with_repeats):
            return None
        excluded = np.fromiter(chosen, np.int64, 0 if with_repeats else len(chosen))
        return Question(
            position,
            user_row=user,
            item_row=item,
            timestamp=timestamp,
            n_items=self._n_items,
            excluded=excluded,
            is_target_known=item in self._items,
        )


def predict_then_learn(
    events: Events, start: int, questioning: Questioning = ALL_QUESTIONS
) -> Iterator[tuple[list[Question], Events]]:
    """Yield the stream from `start` on, batch by batch: what to predict, and then what to learn.

    An event is a question if its user was seen before and its item is new to that user.

    >>> ones = np.ones(4)
    >>> stream = Events(np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1]), ones, ones.astype(np.float32))
    >>> [[question.item_row for question in asked] for asked, batch in predict_then_learn(stream, 1)]
    [[1], [], [1]]
    """
    past = _Past(events.at(slice(0, start)))
    for first in range(start, len(events.user_rows), questioning.batch_size):
        batch = events.at(slice(first, first + questioning.batch_size))
        asked = []
        columns = (batch.user_rows.tolist(), batch.item_rows.tolist(), batch.timestamps.tolist())
        for position, event in enumerate(zip(*columns, strict=True), start=first):
            if position % questioning.stride == 0:
                asked.append(past.question(position, event, with_repeats=questioning.with_repeats))
            past.add(*event[:2])
        yield [question for question in asked if question is not None], batch


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

    All models answer the same questions.

    Parameters
    ----------
    stride, batch_size
        See `Questioning`.
    on_progress
        Called with the number of events done since the last call.

    Returns
    -------
    ranks
        Model name -> (Q,) rank of the chosen item, from 0; `MISS` where no model could know it.
    """
    ranks: dict[str, list[int]] = {name: [] for name in models}
    for asked, batch in predict_then_learn(events, start, Questioning(stride, batch_size)):
        for question in asked:
            for name, model in models.items():
                scores = model.scores(question.user_row, question.n_items, question.timestamp)
                ranks[name].append(question.rank(scores))
        for model in models.values():
            model.learn(batch)
        on_progress(len(batch.user_rows))
    return {name: np.array(of_model, np.int64) for name, of_model in ranks.items()}
