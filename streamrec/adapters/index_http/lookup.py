"""The index service for a caller without an event loop: one search at a time, from one thread."""

import asyncio

from streamrec.adapters.index_http.client import HttpIndex
from streamrec.adapters.index_http.connection import KeySource, no_key
from streamrec.ports import IndexAnswer, ItemQuery


class BlockingIndex:
    """Implements `IndexLookup` over the servers' client, in an event loop of its own."""

    def __init__(self, url: str, timeout_s: float, key: KeySource = no_key) -> None:
        """Connect at the first search; `timeout_s` is the longest that one waits."""
        self._index = HttpIndex(url, timeout_s, key)
        self._runner = asyncio.Runner()

    def search(self, query: ItemQuery) -> IndexAnswer:
        """Return up to `k` items by inner product, without the excluded ones."""
        return self._runner.run(self._index.search(query))

    def close(self) -> None:
        """Close the connection; from the thread that searched."""
        self._runner.run(self._index.close())
        self._runner.close()
