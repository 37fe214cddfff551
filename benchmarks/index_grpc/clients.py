"""Clients of the index over gRPC: a call a search, and two that gather as the client over HTTP does."""

import asyncio
from typing import Any, Protocol

import grpc
import numpy as np

from benchmarks.index_grpc.generated import Code
from streamrec.adapters.index_http.client import HttpIndex
from streamrec.index_protocol import AnswerMessage
from streamrec.ports import ByVector, IndexAnswer

TIMEOUT_S = 5.0


class Searcher(Protocol):
    """Client that is measured: from the recommender's question to its answer."""

    async def search(self, query: ByVector) -> IndexAnswer:
        """Return up to `k` items."""

    async def close(self) -> None:
        """Release the connection."""


class UnaryIndex:
    """A call a search; calls side by side share a connection, as gRPC does it."""

    def __init__(self, code: Code, port: int) -> None:
        self._messages = code.messages
        self._channel = grpc.aio.insecure_channel(f"127.0.0.1:{port}")
        self._stub = code.services.IndexStub(self._channel)

    async def search(self, query: ByVector) -> IndexAnswer:
        """Return up to `k` items."""
        answer = await self._stub.Search(_as_message(self._messages, query), timeout=TIMEOUT_S)
        scores = np.frombuffer(answer.scores, "<f4").tolist()
        return IndexAnswer(answer.generation, list(answer.item_ids), scores)

    async def close(self) -> None:
        """End the connection."""
        await self._channel.close()


class GatheringIndex(HttpIndex):
    """A call for all that has gathered while the last was under way.

    What gathers, and how many go together, is the HTTP client's own code: only the way there differs.
    """

    def __init__(self, code: Code, port: int) -> None:
        super().__init__(f"http://127.0.0.1:{port}", TIMEOUT_S)
        self._messages = code.messages
        self._channel = grpc.aio.insecure_channel(f"127.0.0.1:{port}")
        self._stub = code.services.IndexStub(self._channel)

    async def _send(self, batch: list[Any]) -> list[AnswerMessage]:
        queries = [_as_message(self._messages, waiting.query) for waiting in batch]
        answers = await self._ask(self._messages.Queries(queries=queries))
        return [AnswerMessage(a.generation, list(a.item_ids), a.scores) for a in answers.answers]

    async def _ask(self, queries: Any) -> Any:  # noqa: ANN401
        return await self._stub.SearchMany(queries, timeout=TIMEOUT_S)

    async def close(self) -> None:
        """End the connection."""
        await super().close()
        await self._channel.close()


class StreamingIndex(GatheringIndex):
    """One call for good: all that has gathered is a message of it."""

    def __init__(self, code: Code, port: int) -> None:
        super().__init__(code, port)
        self._stream: Any = None

    async def _ask(self, queries: Any) -> Any:  # noqa: ANN401
        if self._stream is None:
            self._stream = self._stub.SearchStream()
        async with asyncio.timeout(TIMEOUT_S):
            await self._stream.write(queries)
            return await self._stream.read()

    async def close(self) -> None:
        """End the call and the connection."""
        if self._stream is not None:
            self._stream.cancel()
        await super().close()


def _as_message(messages: Any, query: ByVector) -> Any:  # noqa: ANN401
    return messages.Query(
        k=query.k, vector=query.vector, exclude=query.exclude, generation=query.generation or ""
    )
