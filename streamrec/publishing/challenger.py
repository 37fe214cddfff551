"""Publisher of a challenger: as little as makes its generation servable at any moment.

While an experiment runs that lets the challenger answer users, also its vectors of them.
"""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from threading import Event

from streamrec.domain.generations.challenger import ChallengerStatus, ChallengerUser, users_of
from streamrec.domain.ranking.published_blend import Blend
from streamrec.errors import Unavailable
from streamrec.log_limits import warn_seldom
from streamrec.ports import Lease, Metrics, Neighbours
from streamrec.publishing.publications import Status, UserPublication
from streamrec.publishing.publisher import Changelog, Publisher, Sinks
from streamrec.telemetry import timed


class ChallengerPublisher(Publisher):
    """Publishes vectors and its own state: all else that users would meet is the champion's to write."""

    def __init__(
        self,
        sinks: Sinks,
        changelog: Changelog,
        lease: Callable[[], Lease],
        metrics: Metrics,
        is_giving_up: Event,
    ) -> None:
        super().__init__(sinks, changelog, lease, metrics, is_giving_up)
        self._wants_users = self._has_users = False
        self._n_wishes = 0

    def fulfil(self, wish: int) -> None:
        """Note, once all that was handed over is out, that the vectors of all users are."""
        self._users.submit(partial(self._note_all_users, wish))

    def publish_users(self, publication: UserPublication) -> None:
        """Hand over vectors, while they are wanted; the rest is the champion's, who reads the same events."""
        users = users_of(publication.updates.states) if self._wants_users else []
        if users or publication.forgotten_users:
            gone = publication.forgotten_users
            self._users.submit(partial(self._patiently, self._write_challenger_users, users, gone))

    def publish_neighbours(self, neighbours: Mapping[str, Neighbours]) -> None:
        """Do nothing: users are offered the champion's."""

    def drop_neighbours_but(self, item_ids: Collection[str]) -> None:
        """Do nothing: they are the champion's."""

    def publish_status(self, make_status: Callable[[], Status], make_blend: Callable[[], Blend]) -> None:
        """Hand over the challenger's state, unless the last one is under way: the rest is the champion's."""
        if self._status.is_free():
            self._status.submit(partial(self._write_challenger, make_blend()))

    def _write_challenger_users(self, users: Sequence[ChallengerUser], gone: Sequence[str]) -> None:
        with timed(self._metrics, "publish.users"):
            self._sinks.store.publish_challenger(users, gone, self._lease())
        self._metrics.count("published.users", len(users))

    def _note_all_users(self, wish: int) -> None:
        if wish == self.wish:
            self._has_users, self.wish = True, None

    def _follow(self, is_wanted: bool) -> None:
        """Begin, or end, to publish users; what changes between is not published, so all are wanted anew."""
        if is_wanted == self._wants_users:
            return
        self._wants_users, self._has_users = is_wanted, False
        self._n_wishes += is_wanted
        self.wish = self._n_wishes if is_wanted else None

    def _write_challenger(self, blend: Blend) -> None:
        try:
            found = self._sinks.store.read_experiments().experiments
            self._follow(any(one.state == "running" and one.has_challenger for one in found))
            status = ChallengerStatus(self._changelog.generation, blend, self._has_users, time.time())
            self._sinks.cache.publish_challenger(status)
        except Unavailable as error:
            self.n_cache_failures += 1
            self._metrics.count("cache_failures")
            warn_seldom("challenger_not_published", error=str(error))
