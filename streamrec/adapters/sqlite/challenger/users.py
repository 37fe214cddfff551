"""Challenger's vectors of users in a SQLite file, as a server reads them."""

from abc import abstractmethod
from typing import Any

from streamrec.adapters.sqlite.challenger import table
from streamrec.domain.generations.challenger import ChallengerUser, user_in
from streamrec.payload import decoded


class SqliteChallengerUsers:
    """Reader of the vectors over whatever reads the file."""

    async def get_challenger_user(self, user_id: str) -> ChallengerUser | None:
        """Return the challenger's vector of a user as last published; None where there is none."""
        rows = self._read(table.READ, user_id)
        if not rows:
            return None
        generation, vector, aging = rows[0]
        name = decoded(bytes.decode, generation)
        return user_in({"user_id": user_id, "generation": name, "vector": vector, "aging": aging})

    @abstractmethod
    def _read(self, statement: str, *parameters: str | bytes | int | None) -> list[tuple[Any, ...]]: ...
