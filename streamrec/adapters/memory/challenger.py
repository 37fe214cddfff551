"""Challenger's vectors of users in memory."""

from abc import abstractmethod
from collections.abc import Sequence

from streamrec.domain.generations.challenger import ChallengerUser
from streamrec.ports import Lease


class MemoryChallengerUsers:
    """The vectors, for the trainer and for the servers."""

    def __init__(self) -> None:
        self._challenger_users: dict[str, ChallengerUser] = {}

    @abstractmethod
    def _check(self, lease: Lease) -> None: ...

    def publish_challenger(self, users: Sequence[ChallengerUser], gone: Sequence[str], lease: Lease) -> None:
        """Delete the vectors of users who are gone, then replace those of others.

        Raises
        ------
        LeaseLost
            When a larger token has been given out.
        """
        self._check(lease)
        for user_id in gone:
            self._challenger_users.pop(user_id, None)
        self._challenger_users.update((user.user_id, user) for user in users)

    async def get_challenger_user(self, user_id: str) -> ChallengerUser | None:
        """Return the challenger's vector of a user as last published; None where there is none."""
        return self._challenger_users.get(user_id)
