"""The index service over gRPC: what `faiss_server` loads, follows and searches, behind another front.

``python -m benchmarks.index_grpc.server threads --code DIR --port PORT``; the settings are the service's own.
"""

import threading
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated, Any, Literal

import grpc
import numpy as np
import typer
import uvloop

from benchmarks.index_grpc.generated import Code, load_code
from faiss_server.background import Repeated
from faiss_server.generations import Generations
from faiss_server.kinds import ITEMS
from faiss_server.loader import GenerationLoader
from streamrec.adapters.opening import open_event_source
from streamrec.adapters.statsd.metrics import open_metrics
from streamrec.ports import COMMANDS, EventSource, Metrics
from streamrec.settings.processes import LocationSettings
from streamrec.telemetry import configure_logging, timed

_N_THREADS = 8

_MAINTENANCE_INTERVAL_S = 1.0


class Searches:
    """Answers messages as `faiss_server.resources.SearchResource` answers MessagePack.

    It does less: no request id, no log line, no count by route, no check of a query's fields.
    """

    def __init__(self, generations: Generations, metrics: Metrics, messages: Any) -> None:  # noqa: ANN401
        self._generations = generations
        self._metrics = metrics
        self._messages = messages

    def answer(self, query: Any) -> Any:  # noqa: ANN401
        """Search once."""
        generation = self._generations.get(query.generation or None)
        vector = np.frombuffer(query.vector, "<f4")
        ranking = generation.index_of(ITEMS).search(vector, query.k, list(query.exclude))
        scores = ranking.scores.tobytes()
        return self._messages.Answer(generation=generation.name, item_ids=ranking.ids, scores=scores)

    def answer_one(self, query: Any) -> Any:  # noqa: ANN401
        """Search once, counted and timed."""
        self._metrics.count("index.queries")
        with timed(self._metrics, "index.search"):
            return self.answer(query)

    def answer_many(self, queries: Any) -> Any:  # noqa: ANN401
        """Search for all queries of a message, counted and timed."""
        self._metrics.count("index.queries", len(queries.queries))
        with timed(self._metrics, "index.search"):
            return self._messages.Answers(answers=[self.answer(query) for query in queries.queries])


class ThreadedIndex:
    """The service for a pool of threads; methods are named as in the proto file."""

    def __init__(self, searches: Searches) -> None:
        self._searches = searches

    def Search(self, query: Any, _context: Any) -> Any:  # noqa: ANN401, N802
        """Answer one query."""
        return self._searches.answer_one(query)

    def SearchMany(self, queries: Any, _context: Any) -> Any:  # noqa: ANN401, N802
        """Answer all queries of a message."""
        return self._searches.answer_many(queries)

    def SearchStream(self, stream: Iterator[Any], _context: Any) -> Iterator[Any]:  # noqa: ANN401, N802
        """Answer message by message."""
        return map(self._searches.answer_many, stream)


class AsyncIndex:
    """The service for an event loop, which searches itself: the way to a thread and back costs more."""

    def __init__(self, searches: Searches) -> None:
        self._searches = searches

    async def Search(self, query: Any, _context: Any) -> Any:  # noqa: ANN401, N802
        """Answer one query."""
        return self._searches.answer_one(query)

    async def SearchMany(self, queries: Any, _context: Any) -> Any:  # noqa: ANN401, N802
        """Answer all queries of a message."""
        return self._searches.answer_many(queries)

    async def SearchStream(self, stream: Any, _context: Any) -> AsyncIterator[Any]:  # noqa: ANN401, N802
        """Answer message by message."""
        async for queries in stream:
            yield self._searches.answer_many(queries)


def main(
    kind: Literal["threads", "asyncio"],
    code: Annotated[Path, typer.Option(help="Where the compiled proto file is.")],
    port: Annotated[int, typer.Option(help="On 127.0.0.1.")],
) -> None:
    """Serve until the process is ended."""
    locations = LocationSettings()
    configure_logging(locations.log_level, service="index-grpc")
    metrics = open_metrics(locations.statsd_url)
    loaded = load_code(code)
    searches = Searches(_load(locations, metrics), metrics, loaded.messages)
    if kind == "threads":
        _serve_threads(searches, loaded, port)
    else:
        uvloop.run(_serve_asyncio(searches, loaded, port))


def _load(locations: LocationSettings, metrics: Metrics) -> Generations:
    """Load the current generation, and keep it in step as the service does."""

    def open_source(topic: str) -> EventSource:
        url = locations.events_url if topic == COMMANDS else locations.vectors_url
        return open_event_source(url, topics=[topic], group="index")

    generations = Generations()
    loader = GenerationLoader(locations.artifacts_dir, generations, open_source, metrics, time.time)
    loader.step()
    Repeated("maintain", loader.maintain, _MAINTENANCE_INTERVAL_S)
    return generations


def _serve_threads(searches: Searches, code: Code, port: int) -> None:
    server = grpc.server(ThreadPoolExecutor(_N_THREADS))
    code.services.add_IndexServicer_to_server(ThreadedIndex(searches), server)
    server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    threading.Event().wait()


async def _serve_asyncio(searches: Searches, code: Code, port: int) -> None:
    server = grpc.aio.server()
    code.services.add_IndexServicer_to_server(AsyncIndex(searches), server)
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    await server.wait_for_termination()


if __name__ == "__main__":
    typer.run(main)
