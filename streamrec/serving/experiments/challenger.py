"""The challenger as a server can let it answer: its vectors of users, and its blend."""

import time
from collections.abc import Awaitable, Callable

import msgspec

from streamrec.domain.experiments.definition import Experiment
from streamrec.domain.generations.challenger import ChallengerStatus, ChallengerUser
from streamrec.domain.ranking.blend import BlendRanker
from streamrec.domain.sources.table import COLUMNS, EXTRA
from streamrec.errors import Conflict, StreamrecError
from streamrec.ports import DocumentStore, HotCache, Metrics, UserProfile
from streamrec.serving.experiments.own_ranker import OwnRanker
from streamrec.serving.guard import Answered, Guard
from streamrec.serving.recommender import RankerSource

TRUSTED_S = 60.0
"""A challenger of which nothing new was heard for so long does not answer: its vectors grow old."""


ReadUser = Callable[[str], Awaitable[Answered[ChallengerUser | None]]]
"""Returns the challenger's vector of a user; none while the store is away."""


def guarded_users(store: DocumentStore, guard: Guard) -> ReadUser:
    """Return a reader of the challenger's vectors in a store."""
    nothing: ChallengerUser | None = None
    return lambda user_id: guard.ask(lambda: store.get_challenger_user(user_id), nothing)


class ServedChallenger(OwnRanker):
    """Challenger of the moment, as far as its trainer published it; a blend for its lists.

    Time and cohorts are the champion's: both read one stream.

    Parameters
    ----------
    clock
        Seconds; only differences count.
    """

    def __init__(
        self,
        cache: HotCache,
        cache_guard: Guard,
        read_user: ReadUser,
        learned: RankerSource,
        metrics: Metrics,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(learned)
        self._cache, self._cache_guard = cache, cache_guard
        self._read_user = read_user
        self._metrics, self._clock = metrics, clock
        self._status: ChallengerStatus | None = None
        self._heard_at = -TRUSTED_S

    async def generation(self) -> str | None:
        """Return the generation that is challenger, as it was published last; None where none was.

        Raises
        ------
        Conflict
            When the champion's trainer reports the same one: it was promoted, and nothing is published yet of
            the challenger that follows it.
        Unavailable
            When the cache does not answer.
        """
        status = await self._cache_guard.call(self._cache.challenger)
        report = await self._cache_guard.call(self._cache.report)
        if status is None:
            return None
        if report is not None and report.generation == status.generation:
            raise Conflict(
                f"{status.generation!r} was promoted and answers everybody, and nothing was heard yet of a"
                " challenger after it: try again in some seconds; if that lasts, does its trainer run?"
            )
        return status.generation

    async def refresh(self) -> None:
        """Read its state; what was known stays where the cache does not answer."""
        try:
            status = await self._cache_guard.call(self._cache.challenger)
        except StreamrecError:
            return  # counted and told of by the guard
        if status == self._status:
            return
        # The first one may be of long ago. From the second on its trainer is known to live.
        if self._status is not None:
            self._heard_at = self._clock()
        self._status = status
        if status is not None and status.blend.goes_by(COLUMNS):
            self._ranker = BlendRanker.of(status.blend, EXTRA)

    def problem(self, experiment: Experiment) -> str | None:
        """Return why the challenger can't answer users of an experiment at the moment; None: it can."""
        if not experiment.has_challenger:
            return None
        wanted, status = experiment.challenger, self._status
        if wanted is None:
            return "it names no generation as its challenger: stop it, and let it run again"
        if status is None:
            return f"nothing is published of the challenger {wanted!r}: does its trainer run?"
        if status.generation != wanted:
            return (
                f"{wanted!r} is not the challenger any more, {status.generation!r} is: it was promoted, or"
                " replaced by another initial training"
            )
        if self._clock() - self._heard_at >= TRUSTED_S:
            return f"nothing new was heard of the challenger {wanted!r}: does its trainer run?"
        if not status.has_users:
            return f"the vectors of users by the challenger {wanted!r} are being published"
        return None

    async def of(self, user_id: str, read: Answered[UserProfile]) -> Answered[UserProfile]:
        """Return a user's profile with the challenger's vector, or none where it does not know the user."""
        document = read.value.document
        if document is None or document.state is None or self._status is None:
            return read
        user, failed = await self._read_user(user_id)
        generation = self._status.generation
        if user is None or user.generation != generation:
            self._metrics.count("recommender.challenger_users_missing")
            state = msgspec.structs.replace(document.state, vector=None, aging=None, generation=generation)
        else:
            state = msgspec.structs.replace(
                document.state, vector=user.vector, aging=user.aging, generation=generation
            )
        with_vector = read.value._replace(document=msgspec.structs.replace(document, state=state))
        return Answered(with_vector, read.failed | failed)
