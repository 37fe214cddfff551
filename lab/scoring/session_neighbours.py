"""Nearest sessions: what others chose in recent sessions that share the user's last items."""

from typing import ClassVar, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from lab.matrices.cells import CellRules
from lab.matrices.user_items import UserItems
from lab.models.contents import Contents, user_items_contents
from lab.models.neighbour_options import check_n_neighbours
from lab.scoring.scoring_model import History, Rows, Scores, ScoringModel
from streamrec.domain.rows.compiled import compiled
from streamrec.errors import CorruptArtifact, InvalidInput


class SessionOptions(msgspec.Struct, frozen=True):
    """Options of nearest sessions.

    Attributes
    ----------
    n_neighbours
        Sessions that vote.
    n_sampled
        Newest sessions of each of the user's items that are compared.
    n_last
        Items of the user that are looked for, the newest; the oldest of n counts 1 / n.
    gap_s
        A pause of so long ends a session.
    """

    cells: CellRules = CellRules()
    n_neighbours: int = 100
    n_sampled: int = 500
    n_last: int = 10
    gap_s: float = 1800.0

    def __post_init__(self) -> None:
        """Refuse what can't be."""
        check_n_neighbours(self.n_neighbours)
        if min(self.n_sampled, self.n_last) < 1 or not self.gap_s > 0:
            raise InvalidInput(
                f"n_sampled is {self.n_sampled}, n_last {self.n_last}, gap_s {self.gap_s};"
                " wanted at least 1 each, and more than 0"
            )


class Chosen(NamedTuple):
    """Choices in order of time: (N,) int32 rows of users and of items, and (N,) Unix seconds."""

    users: NDArray[np.int32]
    items: NDArray[np.int32]
    times: NDArray[np.float64]


class Sessions(NamedTuple):
    """S sessions in order of their ends, and which item is in which.

    Attributes
    ----------
    users
        (S,) rows.
    items, item_ends
        The distinct items of session s are ``items[item_ends[s] : item_ends[s + 1]]``.
    of_items, of_item_ends
        The sessions with an item, by item in the same way, oldest first.
    worth
        (I,) log(1 + S / sessions with the item).
    """

    users: Rows
    items: Rows
    item_ends: Rows
    of_items: Rows
    of_item_ends: Rows
    worth: NDArray[np.float64]


class SessionNeighbours(ScoringModel):
    """Votes of the sessions of others that are nearest to the user's last items.

    VMIS-kNN (Kersbergen, Sprangers, Schelter 2022, Serenade, section 3) with the user's last items as the
    session that goes on: linear weights by position, newest sessions first, votes times the log of how rare
    the item is.
    """

    kind: ClassVar[str] = "session_knn"

    def __init__(self, options: SessionOptions) -> None:
        self._options, self._rules = options, options.cells
        self.fit(())

    def learn(self, history: History) -> None:
        """Learn a history."""
        choices = history.choices
        chosen = Chosen(
            choices.user_rows.astype(np.int32), choices.item_rows.astype(np.int32), choices.timestamps
        )
        self._set(history.matrix, chosen)

    def scores(self, rows: Rows) -> Scores:
        """Return (B, I) votes."""
        sessions, options = self._sessions, self._options
        scores = np.zeros((len(rows), len(self.matrix.items)), np.float32)
        arrays = (
            sessions.users,
            sessions.items,
            sessions.item_ends,
            sessions.of_items,
            sessions.of_item_ends,
            sessions.worth,
        )
        _vote(rows, self._last[rows], arrays, (options.n_neighbours, options.n_sampled), scores)
        return scores

    def contents(self) -> Contents:
        """Return all that a file must hold."""
        own = user_items_contents(self._options, self.matrix)
        chosen = {f"chosen.{name}": column for name, column in self._chosen._asdict().items()}
        return Contents(own.options, own.ids, {**own.arrays, **chosen})

    @classmethod
    def restored(cls, contents: Contents) -> "SessionNeighbours":
        """Return the model that a file holds."""
        model = cls(contents.options_as(SessionOptions))
        matrix = contents.user_items()
        parts = [contents.arrays.get(f"chosen.{name}") for name in Chosen._fields]
        columns = [part for part in parts if part is not None and part.ndim == 1]
        dtypes = [column.dtype for column in columns]
        if dtypes != [np.int32, np.int32, np.float64] or len({len(column) for column in columns}) != 1:
            raise CorruptArtifact("chosen: wanted three columns of one length")
        chosen = Chosen(*columns)
        for rows, ids in ((chosen.users, matrix.users), (chosen.items, matrix.items)):
            if len(rows) and not (rows.min() >= 0 and rows.max() < len(ids)):
                raise CorruptArtifact("chosen: names a user or an item that there is not")
        model._set(matrix, chosen)
        return model

    def _set(self, matrix: UserItems, chosen: Chosen) -> None:
        self.matrix, self._chosen = matrix, chosen
        self._sessions = sessions_of(chosen, len(matrix.items), self._options.gap_s)
        self._last = _last_items(chosen, len(matrix.users), self._options.n_last)


def sessions_of(chosen: Chosen, n_items: int, gap_s: float) -> Sessions:
    """Return the sessions of a history.

    >>> chosen = Chosen(np.array([0, 1, 0, 0], "i4"), np.array([5, 5, 6, 7], "i4"), np.array([0.0, 1, 2, 99]))
    >>> found = sessions_of(chosen, n_items=8, gap_s=10.0)
    >>> found.users.tolist(), found.items.tolist(), found.item_ends.tolist()
    ([1, 0, 0], [5, 5, 6, 7], [0, 1, 3, 4])
    """
    by_user = np.argsort(chosen.users, kind="stable")
    users, times = chosen.users[by_user].astype(np.int64), chosen.times[by_user]
    begins = np.ones(len(users), bool)
    begins[1:] = (users[1:] != users[:-1]) | (times[1:] - times[:-1] > gap_s)
    session_of = np.cumsum(begins) - 1
    n_sessions = int(session_of[-1]) + 1 if len(session_of) else 0
    ends = np.zeros(n_sessions)
    ends[session_of] = times  # the last one written is the newest
    in_order = np.argsort(ends, kind="stable")
    number = np.empty(n_sessions, np.int64)
    number[in_order] = np.arange(n_sessions)
    pairs = np.unique(number[session_of] * max(1, n_items) + chosen.items[by_user])
    numbers, items = np.divmod(pairs, max(1, n_items))
    by_item = np.argsort(items, kind="stable")
    n_with = np.bincount(items, minlength=n_items)
    worth = np.log1p(n_sessions / np.maximum(n_with, 1))
    return Sessions(
        users[begins][in_order],
        items,
        np.searchsorted(numbers, np.arange(n_sessions + 1)),
        numbers[by_item],
        np.concatenate([[0], np.cumsum(n_with)]),
        worth,
    )


def _last_items(chosen: Chosen, n_users: int, n_last: int) -> Rows:
    """Return (U, n_last) the last distinct items of each user, newest first, -1 behind the last one."""
    pairs = chosen.users.astype(np.int64) << 32 | chosen.items
    _, first_from_end = np.unique(pairs[::-1], return_index=True)
    positions = np.sort(first_from_end)  # newest first, over all users
    users, items = chosen.users[::-1][positions], chosen.items[::-1][positions]
    by_user = np.argsort(users, kind="stable")
    users, items = users[by_user], items[by_user]
    turns = np.arange(len(users)) - np.searchsorted(users, users)
    last = np.full((n_users, n_last), -1, np.int64)
    is_kept = turns < n_last
    last[users[is_kept], turns[is_kept]] = items[is_kept]
    return last


@compiled
def _vote(  # noqa: C901  # loops over arrays, in one piece for the compiler
    rows: Rows,
    last: Rows,
    sessions: tuple[Rows, Rows, Rows, Rows, Rows, NDArray[np.float64]],
    sizes: tuple[int, int],
    scores: Scores,
) -> None:
    """Add to (B, I) scores the votes for B users whose last items are (B, L), newest first."""
    users, items, item_ends, of_items, of_item_ends, worth = sessions
    n_neighbours, n_sampled = sizes
    likeness = np.zeros(len(users), np.float64)
    touched = np.empty(last.shape[1] * n_sampled, np.int64)
    for line in range(len(rows)):
        n_touched, n_last = 0, (last[line] >= 0).sum()
        for turn in range(n_last):
            item = last[line, turn]
            end = of_item_ends[item + 1]
            for place in range(max(of_item_ends[item], end - n_sampled), end):
                session = of_items[place]
                if users[session] == rows[line]:
                    continue
                if likeness[session] == 0:
                    touched[n_touched] = session
                    n_touched += 1
                likeness[session] += (n_last - turn) / n_last
        found = touched[:n_touched]
        bound = 0.0
        if n_touched > n_neighbours:
            bound = np.partition(likeness[found], n_touched - n_neighbours)[n_touched - n_neighbours]
        for session in found:
            if likeness[session] >= bound:
                for place in range(item_ends[session], item_ends[session + 1]):
                    item = items[place]
                    scores[line, item] += likeness[session] * worth[item]
            likeness[session] = 0
