"""The port of what users were shown and did lately, as any number of servers took it."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from streamrec.domain.users.steps import Step


class UserSteps(Protocol):
    """The last steps of the users of the last day; losing them loses figures to look at."""

    async def add_steps(self, steps: Mapping[str, Sequence[Step]]) -> None:
        """Add steps by user; one that is there already is not kept twice.

        Beyond `MAX_STEPS` of a user the oldest go, beyond `MAX_USERS` the users whose last step is oldest.

        Raises
        ------
        Unavailable
            When it is not known that they were added; a repeat does no harm.
        """

    async def steps(self, user_id: str) -> list[Step]:
        """Return the steps of a user within the last day, newest first."""

    async def forget_steps(self, user_id: str) -> None:
        """Remove a user's steps, and take none for `REFUSED_S`: other servers may still hold some."""
