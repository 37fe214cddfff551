"""Popularity among people who have a value of an attribute in common."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.events.observed import ObservedEvents, Retracted
from streamrec.domain.events.recent_pairs import N_SLOTS, RecentPairs, UserPairs
from streamrec.domain.popularity.cohort_table import CohortTable
from streamrec.domain.popularity.window import Window
from streamrec.domain.rows.growing import grown
from streamrec.domain.rows.id_map import IdMap
from streamrec.domain.rows.state_part import Arrays, StatePart
from streamrec.domain.rows.stored import stored
from streamrec.domain.users.cohorts import MOST_COHORTS, CohortRules, cohorts_of, token_of

Rows = NDArray[np.int64]

_SMOOTHING = 100.0
"""Choices of everybody added to those of a cohort: one with as many of its own is half popularity."""

NOTHING_WAITS: Mapping[str, tuple[int, ...]] = {}


class Shares(NamedTuple):
    """Shares of items in choices: (M,) item rows and their shares."""

    item_rows: Rows
    shares: NDArray[np.float64]


class CohortCounts(StatePart):
    """Weighted counts of choices by cohort and item, as popularity has them by item.

    Before anybody has a cohort nothing is counted, and nothing kept.

    Attributes
    ----------
    waiting
        Tokens of users who have no row yet, by id: they get them with their first event.

    >>> cohorts = CohortCounts(CohortRules(least_people=1))
    >>> tokens = cohorts.tokens_of({"job": "nurse"})
    >>> cohorts.put(np.array([3]), [tokens])
    >>> cohorts.add(np.array([3, 4]), np.array([7, 8]), np.zeros(2), np.ones(2))
    >>> cohorts.shown() == list(tokens), cohorts.shares(tokens, 10)[0].item_rows.tolist()
    (True, [7, 8])
    """

    def __init__(self, rules: CohortRules) -> None:
        self._rules = rules
        self._window = Window(rules.half_life_s)
        self._pairs = RecentPairs()
        self._table = CohortTable(rules.max_cohorts, rules.least_people)
        self._tokens = np.zeros((0, MOST_COHORTS), np.int32)
        self._read_by = 0
        self.waiting: Mapping[str, tuple[int, ...]] = NOTHING_WAITS

    @property
    def is_read(self) -> bool:
        """Whether the attributes of all users with a row were read, by these rules."""
        return self._read_by == self._version

    def note_read(self, *, is_read: bool = True) -> None:
        """Note that they were, or have to be read again."""
        self._read_by = self._version if is_read else 0

    @property
    def _version(self) -> int:
        return token_of(repr(sorted(self._rules.attributes)))

    def tokens_of(self, attributes: Mapping[str, Any]) -> tuple[int, ...]:
        """Return the tokens of the cohorts that somebody with these attributes belongs to."""
        return tuple(cohort.token for cohort in cohorts_of(attributes, self._rules.attributes))

    def of_user(self, user_row: int) -> tuple[int, ...]:
        """Return the tokens of a user's cohorts."""
        tokens: list[int] = self._tokens[user_row].tolist() if 0 <= user_row < len(self._tokens) else []
        return tuple(token for token in tokens if token)

    def enter(self, user_ids: IdMap) -> None:
        """Give those who waited, and have a row now, their tokens; nobody waits any more then."""
        waiting, self.waiting = self.waiting, NOTHING_WAITS
        if waiting:
            rows = user_ids.rows_of(list(waiting))
            self.put(
                rows[rows >= 0],
                [tokens for tokens, row in zip(waiting.values(), rows, strict=True) if row >= 0],
            )

    def put(self, rows: Rows, tokens: Sequence[Sequence[int]]) -> None:
        """Set the tokens of (R,) distinct users; what they chose lately counts for these instead."""
        given = np.zeros((len(rows), MOST_COHORTS), np.int32)
        for position, of_user in enumerate(tokens):
            given[position, : len(of_user)] = of_user
        held = np.zeros_like(given)
        is_known = rows < len(self._tokens)
        held[is_known] = self._tokens[rows[is_known]]
        is_other = (given != held).any(axis=1)
        if not is_other.any():
            return
        rows, given = rows[is_other], given[is_other]
        pairs = self._pairs.of_users(rows)
        self._leave(rows, pairs)
        self._tokens = grown(self._tokens, int(rows.max()) + 1)
        self._tokens[rows] = given
        self._add(pairs.user_rows, pairs.item_rows, self._window.added(pairs.slots))

    def observe(self, events: ObservedEvents) -> None:
        """Count what was chosen."""
        chosen = events.choices
        self.add(chosen.user_rows, chosen.item_rows, chosen.times, chosen.counted)

    def add(
        self, user_rows: Rows, item_rows: Rows, times: NDArray[np.float64], weights: NDArray[np.floating]
    ) -> None:
        """Count (B,) events, each by its weight, for all cohorts of its user."""
        if not len(user_rows) or not len(self._tokens):
            return
        factor = self._window.reach(float(times.max()))
        if factor != 1.0:
            self._table.scale(factor)
        visits = self._pairs.visit(user_rows, item_rows)
        added = self._window.add(visits, times, weights)
        users = np.empty(len(added), np.int64)
        users[visits.of_event] = user_rows
        self._add(users, visits.item_rows, added)

    def shown(self) -> list[int]:
        """Return the tokens of cohorts that have enough people to be shown, the heaviest first."""
        return self._table.shown()

    def shares(
        self, tokens: Sequence[int], k: int, is_hidden: NDArray[np.bool_] | None = None
    ) -> list[Shares]:
        """Return up to `k` items of each cohort, by their smoothed share of its choices, highest first.

        Parameters
        ----------
        is_hidden
            (I,) which items are left out.
        """
        everybody = self._window.counts
        if is_hidden is not None:
            everybody = everybody.copy()
            everybody[np.flatnonzero(is_hidden[: len(everybody)])] = 0.0
        total, smoothing = everybody.sum(), _SMOOTHING / max(self._window.worth_now(), 1e-300)
        if not total > 0:
            return [Shares(np.zeros(0, np.int64), np.zeros(0))] * len(tokens)
        most_chosen = _highest(everybody, k)
        ranked = []
        for token in tokens:
            item_rows, counts, of_cohort = self._table.of(token)
            rows = np.union1d(item_rows, most_chosen)
            own = np.zeros(len(rows))
            own[np.searchsorted(rows, item_rows)] = counts
            shares = (own + smoothing * everybody[rows] / total) / (of_cohort + smoothing)
            order = np.argsort(-shares, kind="stable")
            order = order[everybody[rows[order]] > 0][:k]
            ranked.append(Shares(rows[order], shares[order]))
        return ranked

    def forget_users(self, rows: Rows) -> None:
        """Clear rows for their next users, and take back what their recent pairs added."""
        if len(self._tokens):
            pairs = self._pairs.forget_users(rows)
            self._leave(rows, pairs)
            self._tokens[rows[rows < len(self._tokens)]] = 0
            self._window.take_back(pairs)

    def retract(self, pairs: Retracted) -> None:
        """Take back what pairs added, as far as they are among the recent ones."""
        if len(self._tokens):
            gone = self._pairs.forget_pairs(*pairs.known)
            self._subtract(gone)
            self._window.take_back(gone)

    def forget_items(self, rows: Rows) -> None:
        """Set the counts of items to zero."""
        if len(self._tokens):
            self._pairs.forget_items(rows)
            self._window.forget_items(rows)
            self._table.forget_items(rows)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the state, for a checkpoint."""
        arrays: dict[str, NDArray[Any]] = {"read_by": np.array([self._read_by])}
        if not len(self._tokens):
            return arrays
        of_window = {f"everybody.{name}": array for name, array in self._window.arrays().items()}
        arrays |= {"tokens": self._tokens, "pairs": self._pairs.keys}
        return arrays | of_window | self._table.arrays()

    def load_arrays(self, arrays: Arrays) -> None:
        """Take over copies of what `arrays` returned."""
        (read_by,) = stored(arrays, "read_by", np.int64, 1)
        if "tokens" in arrays:
            tokens = stored(arrays, "tokens", np.int32, None, MOST_COHORTS)
            pairs = stored(arrays, "pairs", np.int64, N_SLOTS)
            window, table = (
                Window(self._rules.half_life_s),
                CohortTable(self._rules.max_cohorts, self._rules.least_people),
            )
            of_window = {
                name.partition(".")[2]: arrays[name] for name in arrays if name.startswith("everybody.")
            }
            window.load_arrays(of_window, n_events=float("nan"))
            table.load_arrays(arrays)
            self._tokens, self._pairs.keys, self._window, self._table = tokens, pairs, window, table
        self._read_by = int(read_by)

    def _leave(self, rows: Rows, pairs: UserPairs) -> None:
        """Let users go from their cohorts, with what their recent pairs added."""
        self._subtract(pairs)
        self._table.forget_people(rows)

    def _subtract(self, pairs: UserPairs) -> None:
        tokens, item_rows, amounts, _ = self._spread(
            pairs.user_rows, pairs.item_rows, self._window.added(pairs.slots)
        )
        self._table.take_back(tokens, item_rows, amounts)

    def _add(self, user_rows: Rows, item_rows: Rows, amounts: NDArray[np.float64]) -> None:
        tokens, items, of_each, users = self._spread(user_rows, item_rows, amounts)
        if len(tokens):
            self._table.add(tokens, users, items, of_each)

    def _spread(
        self, user_rows: Rows, item_rows: Rows, amounts: NDArray[np.float64]
    ) -> tuple[Rows, Rows, NDArray[np.float64], Rows]:
        """Return tokens, items, amounts and users of (P,) amounts, one of each cohort of a user."""
        is_known = (user_rows < len(self._tokens)) & (amounts > 0)
        user_rows, item_rows, amounts = user_rows[is_known], item_rows[is_known], amounts[is_known]
        tokens = self._tokens[user_rows]
        of_amount, column = np.nonzero(tokens)
        return (
            tokens[of_amount, column].astype(np.int64),
            item_rows[of_amount],
            amounts[of_amount],
            user_rows[of_amount],
        )


def _highest(scores: NDArray[np.float64], k: int) -> Rows:
    """Return the rows of the `k` highest, in any order."""
    rows: Rows = np.arange(len(scores)) if len(scores) <= k else np.argpartition(-scores, k)[:k]
    return rows
