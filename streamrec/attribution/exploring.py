"""Estimates of what lists would bring that explore more, or less, than those that were shown.

Chance decides which of the lower positions of a list new items get, and each list says how probably. So the
clicks that were made also tell of other shares, each weighed by how much more probable a new item, or one of
the ranking, would have been at its position. A position's clicks count as depending on which of both stands
there alone: not on the rest of the list (the item-position model of Li, Abbasi-Yadkori, Kveton,
Muthukrishnan, Vinay, Wen 2018, Offline evaluation of ranking policies with click models, section 4), nor on
which of two neighbours of the ranking it is.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.experiments.attribution import CLICK, Act, Kind, Showing, ShownLists
from streamrec.domain.experiments.exposure import Exposure
from streamrec.domain.items.exploration import first_slot_of
from streamrec.domain.items.propensities import Draw, propensities_of
from streamrec.domain.sources.table import NEW
from streamrec.errors import InvalidInput
from streamrec.experiments.statistics.off_policy import Expected, Logged, OffPolicy, off_policy
from streamrec.ports import EventSource, Record, n_between

_MOST_AT_ONCE = 10_000


class ExploredList(NamedTuple):
    """A list that chance had a part in.

    Attributes
    ----------
    propensities
        How probably each position is what it is.
    new
        Positions of new items.
    """

    showing: Showing
    propensities: list[float]
    new: tuple[int, ...]


class ExploredLists:
    """Lists that chance had a part in, and the clicks on them.

    Parameters
    ----------
    most
        The newest ones that are kept.
    window_s
        A click belongs to a list that was shown at most so many seconds before.

    Attributes
    ----------
    n_without_chance
        Lists that are left out: no propensities are known of them.
    """

    def __init__(self, most: int, window_s: float) -> None:
        self._lists = ShownLists(most)
        self._about: dict[tuple[str, str, float], ExploredList] = {}
        self._window_s = window_s
        self.n_without_chance = 0

    def add(self, exposure: Exposure) -> None:
        """Add a list; the same one twice counts once."""
        if exposure.propensities is None:
            self.n_without_chance += 1
            return
        showing = Showing(exposure.user_id, exposure.at, exposure.request_id, exposure.items, [])
        new = tuple(n for n, source in enumerate(exposure.sources) if source == NEW.name)
        known = self._about.setdefault(_key(showing), ExploredList(showing, exposure.propensities, new))
        if known.showing is showing:
            self._lists.add(showing)

    def click(self, act: Act) -> None:
        """Count a click for the newest list that it may belong to, once for each position."""
        for showing in self._lists.candidates(act):
            if act.at - showing.at <= self._window_s:
                answer: tuple[str, int, Kind] = ("", showing.items.index(act.item_id), CLICK)
                if answer not in showing.answers:
                    showing.answers.append(answer)
                return

    def kept(self) -> Iterator[ExploredList]:
        """Yield the lists that are kept."""
        for showing in self._lists.kept():
            yield self._about[_key(showing)]


def estimated(lists: Iterable[ExploredList], share: float, alpha: float = 0.05) -> OffPolicy:
    """Return estimates of the clicks on a position, in the part of the lists that new items may get.

    Parameters
    ----------
    share
        Of the positions, given to new items; 0 to 1.

    Raises
    ------
    InvalidInput
        When chance had a part in no position.
    """
    users: dict[str, int] = {}
    rows: list[tuple[int, int, bool, float, float, float]] = []
    for one in lists:
        k, first = len(one.propensities), first_slot_of(len(one.propensities))
        if first >= k:
            continue  # too short a list for new items
        user = users.setdefault(one.showing.user_id, len(users))
        # All of these positions are as likely to get one, so one of them tells of all.
        logged = one.propensities[one.new[0]] if one.new else 1.0 - one.propensities[first]
        # From a handful of new items on their number makes no difference.
        wanted = propensities_of(Draw(share, k, k, (first,)))[first]
        clicked = {position for _, position, _ in one.showing.answers}
        rows += [
            (user, position, position in one.new, logged, wanted, float(position in clicked))
            for position in range(first, k)
            if 0.0 < logged < 1.0
        ]
    if not rows:
        raise InvalidInput(
            "chance had a part in no list that is kept: let lists explore"
            " (STREAMREC_SERVER_EXPLORATION_SHARE), and all be written down (STREAMREC_EXPOSURES=all)"
        )
    table = np.array(rows, np.float64)
    user_rows, _, is_new, logged_new, wanted_new, rewards = table.T
    propensities = np.where(is_new > 0, logged_new, 1.0 - logged_new)
    targets = np.where(is_new > 0, wanted_new, 1.0 - wanted_new)
    columns = Logged(user_rows, propensities, targets, rewards)
    return off_policy(columns, _expected(table), alpha=alpha)


def _expected(table: NDArray[np.float64]) -> Expected:
    """Return what the other half of the users clicked at each position, on new items and on others."""
    user, position, is_new, _, would_be_new, rewards = table.T
    cell = (position * 2 + is_new).astype(np.int64)
    cell_if_new = (position * 2 + 1).astype(np.int64)
    half = user.astype(np.int64) % 2
    of_shown, of_target = np.empty(len(table)), np.empty(len(table))
    for which in (0, 1):
        others, mine = half != which, half == which
        n_cells = int(cell_if_new.max()) + 1
        clicks = np.bincount(cell[others], rewards[others], minlength=n_cells)
        # One imagined impression with the mean rate: a cell may have none.
        mean = float(rewards[others].mean()) if others.any() else 0.0
        rates = (clicks + mean) / (np.bincount(cell[others], minlength=n_cells) + 1.0)
        of_shown[mine] = rates[cell[mine]]
        new, old = rates[cell_if_new[mine]], rates[cell_if_new[mine] - 1]
        of_target[mine] = would_be_new[mine] * new + (1 - would_be_new[mine]) * old
    return Expected(of_shown, of_target)


def read_to_the_end(source: EventSource, take: Callable[[Record], None]) -> int:
    """Hand over all records that a log holds by now; return how many."""
    source.seek({})
    ends, n_read = source.end_offsets(), 0
    while n_between(source.next_offsets(), ends):
        for record in source.poll(_MOST_AT_ONCE, 1.0):
            take(record)
            n_read += 1
    return n_read


def _key(showing: Showing) -> tuple[str, str, float]:
    return showing.user_id, showing.request_id, showing.at
