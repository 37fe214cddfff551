"""The index service over HTTP.

A search takes some .2 ms, a request for it ten times that. So while a request is under way, further queries
gather, and go together in the next: a quiet client waits for nobody, a busy one pays for few requests.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import structlog

from streamrec.adapters.index_http.connection import KeptConnection, KeySource, Reply, body_of, no_key
from streamrec.adapters.index_http.vectors import VectorLookup
from streamrec.errors import Damaged, InvalidInput, Unavailable
from streamrec.index_protocol import (
    CONTENT_TYPE,
    REQUEST_ID_HEADER,
    SEARCH_PATH,
    AnswerMessage,
    answer_to,
    decode_answers,
    encode_queries,
)
from streamrec.ports import ById, IndexAnswer, IndexQuery
from streamrec.redaction import shown_url

_MAX_BATCH = 64
_MAX_EXCLUDED = 20_000
"""Ids left out by all queries of a request together: 5 MB of the longest."""

_MAX_HEADER_LENGTH = 4000
"""Of the ids of all requests that wait for one of ours; servers refuse a header of 8,190 bytes."""


_NOBODY = "health-probe"


class _Waiting(NamedTuple):
    query: IndexQuery
    answer: asyncio.Future[AnswerMessage]
    request_id: str | None


class HttpIndex:
    """Searches of an index service, over one connection. For one event loop."""

    def __init__(self, url: str, timeout_s: float, key: KeySource = no_key) -> None:
        """Connect at the first search; `timeout_s` is the longest that one waits, gathering included."""
        search_url = url.rstrip("/") + SEARCH_PATH
        self._url = shown_url(search_url)
        self._timeout_s = timeout_s
        self._connection = KeptConnection(search_url, key)
        self._vectors = VectorLookup(url, timeout_s, key)
        self._waiting: deque[_Waiting] = deque()
        self._sender: asyncio.Task[None] | None = None

    async def search(self, query: IndexQuery) -> IndexAnswer:
        """Let a query go with the next request, and return its answer.

        Raises
        ------
        InvalidInput
            When the service says that the query is wrong.
        Unavailable
            When it does not answer in time, or has no index of what is asked for.
        """
        loop = asyncio.get_running_loop()
        request_id = structlog.contextvars.get_contextvars().get("request_id")
        waiting = _Waiting(query, loop.create_future(), request_id)
        self._waiting.append(waiting)
        if self._sender is None:
            self._sender = loop.create_task(self._send_all())
        deadline = loop.call_later(self._timeout_s, self._give_up, waiting.answer)
        try:
            return answer_to(query, await waiting.answer)
        except Damaged as error:
            raise Unavailable(f"{self._url} answered something else: {error}") from error
        finally:
            deadline.cancel()

    async def vectors(self, ids: Sequence[str], generation: str | None = None) -> dict[str, bytes]:
        """Return (D + 1,) float32 bytes by id; what the generation has not is left out.

        Raises
        ------
        InvalidInput
            When these are more than 1,000 ids.
        Unavailable
            When the service does not answer in time.
        """
        return await self._vectors.of(ids, generation)

    async def check(self) -> None:
        """Search for an id that nobody has.

        Raises
        ------
        Unavailable
            When the service does not answer, or has no generation to search in.
        """
        await self.search(ById(_NOBODY, 1))

    def _give_up(self, answer: asyncio.Future[AnswerMessage]) -> None:
        if not answer.done():
            answer.set_exception(Unavailable(f"{self._url} did not answer within {self._timeout_s} s"))

    async def close(self) -> None:
        """Close the connections; searches under way fail."""
        if self._sender is not None:
            self._sender.cancel()
            await asyncio.gather(self._sender, return_exceptions=True)
        self._connection.close()
        self._vectors.close()

    async def _send_all(self) -> None:
        """Send what has gathered, and what gathers meanwhile, until nothing is left.

        The next request leaves before the callers of the last one go on with their answers: the service
        searches while they work, instead of waiting for them.
        """
        deliver: Callable[[], None] = _nothing
        batch: list[_Waiting] = []
        sending: asyncio.Future[list[AnswerMessage]] | None = None
        try:
            while self._waiting:
                batch = self._take_batch(_n_to_send(len(self._waiting), len(batch)))
                sending = asyncio.ensure_future(self._send(batch))
                await asyncio.sleep(0)
                deliver()
                deliver = _nothing
                try:
                    deliver = partial(_deliver, batch, await sending)
                except (Unavailable, InvalidInput) as error:
                    deliver = partial(_fail, batch, error)
            deliver()
        except asyncio.CancelledError:
            if sending is not None:
                sending.cancel()
            deliver()
            _fail([*batch, *self._waiting], Unavailable("the client was closed"))
            raise
        finally:
            self._sender = None

    def _take_batch(self, limit: int) -> list[_Waiting]:
        batch: list[_Waiting] = []
        n_excluded = 0
        while self._waiting and len(batch) < limit:
            n_excluded += len(self._waiting[0].query.exclude)
            if batch and n_excluded > _MAX_EXCLUDED:
                break
            waiting = self._waiting.popleft()
            if not waiting.answer.done():  # else its caller has given up
                batch.append(waiting)
        return batch

    async def _send(self, batch: list[_Waiting]) -> list[AnswerMessage]:
        if not batch:
            return []
        body = encode_queries([waiting.query for waiting in batch])
        headers = {"Content-Type": CONTENT_TYPE}
        if request_ids := _joined([waiting.request_id for waiting in batch if waiting.request_id]):
            headers[REQUEST_ID_HEADER] = request_ids
        try:
            reply = await self._post(body, headers)
        except (TimeoutError, OSError) as error:
            raise Unavailable(f"{self._url}: {type(error).__name__}: {error}") from error
        try:
            answers = decode_answers(body_of(reply, self._url))
        except Damaged as error:
            raise Unavailable(f"{self._url} answered something else: {error}") from error
        if len(answers) != len(batch):
            raise Unavailable(f"{self._url} gave {len(answers)} answers to {len(batch)} queries")
        return answers

    async def _post(self, body: bytes, headers: dict[str, str]) -> Reply:
        async with asyncio.timeout(self._timeout_s):
            return await self._connection.post(headers, body)


def _n_to_send(n_waiting: int, n_answered: int) -> int:
    """Return how many queries go next, when so many wait and so many were just answered.

    Callers that come back as soon as they are answered stay a group. Of a large and a small group the large
    one would wait for the service, and then it for them; so each request takes half of all that take part.

    >>> _n_to_send(15, 1), _n_to_send(8, 8), _n_to_send(3, 0)
    (8, 8, 3)
    """
    return min((n_waiting + n_answered + 1) // 2 if n_answered else n_waiting, _MAX_BATCH)


def _joined(request_ids: Sequence[str]) -> str:
    """Return as many ids as a header holds, with commas between them; one request may have several queries.

    >>> _joined(["a", "b", "a"])
    'a,b'
    """
    joined = ",".join(dict.fromkeys(request_ids))
    return joined if len(joined) <= _MAX_HEADER_LENGTH else joined[:_MAX_HEADER_LENGTH].rpartition(",")[0]


def _nothing() -> None:
    """Deliver no answer: there is none yet."""


def _deliver(batch: list[_Waiting], answers: list[AnswerMessage]) -> None:
    for waiting, answer in zip(batch, answers, strict=True):
        if not waiting.answer.done():
            waiting.answer.set_result(answer)


def _fail(batch: list[_Waiting], error: Exception) -> None:
    for waiting in batch:
        if not waiting.answer.done():
            waiting.answer.set_exception(type(error)(*error.args))
