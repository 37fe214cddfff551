"""The index inside the process that asks it: no server, no hop; each process holds one."""

import asyncio
from collections.abc import Sequence

import numpy as np

from faiss_server.answers import Searches, found_by, vectors_by
from faiss_server.following import Following
from faiss_server.generations import Generations
from streamrec.errors import UnknownId
from streamrec.ports import IndexAnswer, IndexQuery, Metrics
from streamrec.settings.processes import IndexSettings, LocationSettings


class InProcessIndex:
    """Implements `ItemIndex` over generations that are followed here. For one event loop."""

    def __init__(self, generations: Generations, following: Following | None = None) -> None:
        self._generations = generations
        self._following = following
        self._searches = Searches()

    async def search(self, query: IndexQuery) -> IndexAnswer:
        """Return up to `k` ids without the excluded ones and without the one asked for.

        Raises
        ------
        InvalidInput
            When `k` or the vector does not fit.
        Unavailable
            Before a generation is loaded, or when users are asked for and are not indexed.
        """
        current = self._generations.get().name
        try:
            generation = self._generations.get(query.generation)
            found = await self._searches.run(lambda: found_by(generation, query))
        except UnknownId:
            return IndexAnswer(query.generation or current, is_missing=True)
        ids, scores, hashes = found.ranking
        return IndexAnswer(generation.name, ids, scores.tolist(), found.is_missing, hashes)

    async def vectors(self, ids: Sequence[str], generation: str | None = None) -> dict[str, bytes]:
        """Return (D + 1,) float32 bytes by id, of up to 1,000; what the generation has not is left out.

        Raises
        ------
        InvalidInput
            When these are more ids.
        Unavailable
            Before a generation is loaded.
        """
        _, found, vectors = vectors_by(self._generations, ids, generation)
        return dict(zip(found, map(np.ndarray.tobytes, vectors.astype("<f4")), strict=True))

    async def check(self) -> None:
        """Return when there is a generation to search in.

        Raises
        ------
        Unavailable
            When none is loaded yet.
        """
        self._generations.get()

    async def close(self) -> None:
        """Stop following."""
        if self._following is not None:
            await asyncio.to_thread(self._following.close)


def open_index(locations: LocationSettings, settings: IndexSettings, metrics: Metrics) -> InProcessIndex:
    """Return an index that loads what the trainer releases, and follows what it publishes."""
    following = Following(locations, settings, metrics)
    return InProcessIndex(following.generations, following)
