"""Base of the peers: everybody's items so far, and fitting again after so many events."""

from abc import ABC, abstractmethod

import numpy as np

from streamrec.domain.ranking.prequential import Events, Rows


class Histories:
    """Distinct items of every user, each at its newest event.

    Attributes
    ----------
    n_events, n_items
        Seen so far; items are numbered by first appearance.
    """

    def __init__(self) -> None:
        self.n_events = 0
        self.n_items = 0
        self._by_user: dict[int, dict[int, int]] = {}

    def add(self, events: Events) -> None:
        """Note B events."""
        for user, item in zip(events.user_rows.tolist(), events.item_rows.tolist(), strict=True):
            own = self._by_user.setdefault(user, {})
            own.pop(item, None)
            own[item] = self.n_events
            self.n_events += 1
            self.n_items = max(self.n_items, item + 1)

    def of(self, user_row: int) -> Rows:
        """Return (L,) a user's items, newest last."""
        return np.array(list(self._by_user.get(user_row, ())), np.int64)

    def all(self) -> list[Rows]:
        """Return the items of each user, newest last."""
        return [np.array(list(own), np.int64) for own in self._by_user.values()]

    def times(self) -> list[Rows]:
        """Return the numbers of the events that `all` are of."""
        return [np.array(list(own.values()), np.int64) for own in self._by_user.values()]


class RefittedPeer(ABC):
    """Model that is fitted to all events so far, again and again; a `ListRanker`.

    In between it answers by what a user chose until now, out of the items of the last fit.

    Parameters
    ----------
    history
        Events of the first fit.
    refit_every
        Events from one fit to the next.
    """

    def __init__(self, history: Events, refit_every: int) -> None:
        self._histories = Histories()
        self._refit_every = refit_every
        self._n_events_at_fit = 0
        self._histories.add(history)
        self._refit()

    def best(self, user_row: int, k: int, at: float) -> Rows:
        """Return up to `k` items that the user has not chosen, best first; none before the first fit."""
        own = self._histories.of(user_row)
        if not self._n_events_at_fit or not len(own):
            return np.zeros(0, np.int64)
        return self._best(own, k)

    def learn(self, events: Events) -> None:
        """Note B events; fit when it is time to."""
        self._histories.add(events)
        if self._histories.n_events - self._n_events_at_fit >= self._refit_every:
            self._refit()

    def _refit(self) -> None:
        if self._histories.n_events:
            self._fit(self._histories)
            self._n_events_at_fit = self._histories.n_events

    @abstractmethod
    def _fit(self, histories: Histories) -> None:
        """Fit to everybody's items; there is at least one."""

    @abstractmethod
    def _best(self, own: Rows, k: int) -> Rows:
        """Return up to `k` items for one who chose (L,) `own`, newest last, none of which is among them."""
