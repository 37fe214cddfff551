"""Publisher of a challenger: as little as makes its generation servable at any moment."""

from collections.abc import Callable, Collection, Mapping

from streamrec.ports import Neighbours
from streamrec.publishing.publications import Status, UserPublication
from streamrec.publishing.publisher import Publisher


class ChallengerPublisher(Publisher):
    """Publishes vectors alone: everything else that users would meet is the champion's to write."""

    def publish_users(self, publication: UserPublication) -> None:
        """Do nothing: the champion reads the same events."""

    def publish_neighbours(self, neighbours: Mapping[str, Neighbours]) -> None:
        """Do nothing: users are offered the champion's."""

    def drop_neighbours_but(self, item_ids: Collection[str]) -> None:
        """Do nothing: they are the champion's."""

    def publish_status(self, make_status: Callable[[], Status]) -> None:
        """Do nothing: users are shown the champion's."""
