"""The generations that are served: the current one, its challenger, and the one before it."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass

from faiss_server.follower import ChangelogFollower
from faiss_server.kinds import ITEMS, USERS, Kind
from streamrec.adapters.faiss.index import FaissIndex
from streamrec.errors import Unavailable, UnknownId


@dataclass(frozen=True)
class Followed:
    """An index, and what keeps it in step; an index of plain data has no follower."""

    index: FaissIndex
    follower: ChangelogFollower | None = None


class Generation:
    """A generation's indexes by kind: of its items, and of its users where one is kept."""

    def __init__(
        self,
        name: str,
        items: FaissIndex,
        follower: ChangelogFollower | None = None,
        users: Followed | None = None,
    ) -> None:
        self.name = name
        self.parts: Mapping[Kind, Followed] = {ITEMS: Followed(items, follower)} | (
            {} if users is None else {USERS: users}
        )

    def index_of(self, kind: Kind) -> FaissIndex:
        """Return the index of a kind of ids.

        Raises
        ------
        Unavailable
            When none is kept.
        """
        part = self.parts.get(kind)
        if part is None:
            raise Unavailable("the index of users is turned off; STREAMREC_INDEX_USERS turns it on")
        return part.index


class Generations:
    """All generations that answer. Threads may call everything at any time.

    Attributes
    ----------
    problem
        Why the newest generation could not be loaded; None when all is well.
    n_refused
        Attempts to load that failed.
    """

    def __init__(self) -> None:
        self.problem: str | None = None
        self.n_refused = 0
        self._lock = threading.Lock()
        self._current: Generation | None = None
        self._challenger: Generation | None = None
        self._former: Generation | None = None
        # Replaced, never changed, so that a reader needs no lock.
        self._served: tuple[Generation, ...] = ()

    @property
    def served(self) -> tuple[Generation, ...]:
        """All that can be asked, the current one first."""
        return self._served

    @property
    def challenger(self) -> Generation | None:
        """The one that learns beside the current one, served so that it can take over at any moment."""
        return self._challenger

    def get(self, name: str | None = None) -> Generation:
        """Return a generation by name, or the current one.

        Raises
        ------
        UnknownId
            When it is not served (any more).
        Unavailable
            Before the first one is loaded.
        """
        served = self._served
        if not served:
            raise Unavailable(f"no generation is loaded yet{': ' + self.problem if self.problem else ''}")
        if name is None:
            return served[0]
        for generation in served:
            if generation.name == name:
                return generation
        raise UnknownId(f"generation {name[:100]!r} is not served; the current one is {served[0].name!r}")

    def note_problem(self, problem: str | None) -> None:
        """Remember why loading failed, or that it did not."""
        self.problem = problem
        if problem is not None:
            self.n_refused += 1

    def make_current(self, generation: Generation) -> tuple[Generation, ...]:
        """Answer from `generation` from now on; return those that are not served any more.

        The one before is kept: its users have not moved yet.
        """
        with self._lock:
            if self._current is not None and self._current.name != generation.name:
                self._former = self._current
            self._current = generation
            return self._serve()

    def make_challenger(self, generation: Generation | None) -> tuple[Generation, ...]:
        """Serve a generation beside the current one, or none; return those that are not served any more."""
        with self._lock:
            self._challenger = generation
            return self._serve()

    def _serve(self) -> tuple[Generation, ...]:
        before = self._served
        wanted = (self._current, self._challenger, self._former)
        self._served = tuple({one.name: one for one in wanted if one is not None}.values())
        return tuple(other for other in before if other not in self._served)
