"""The servers that are compared, and the ways to ask them."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import grpc
import psutil

from benchmarks.index_grpc.clients import TIMEOUT_S, GatheringIndex, StreamingIndex, UnaryIndex
from benchmarks.index_grpc.generated import Code
from benchmarks.index_grpc.rounds import SIDE_BY_SIDE, Way
from benchmarks.serving.stack import environment_of, locations_in, served
from streamrec.adapters.index_http.client import HttpIndex
from streamrec.cli.launch.local_servers import free_port
from streamrec.settings.processes import LocationSettings

PRODUCT = "HTTP, gathered"
"""The way that the recommender asks."""

_START_S = 120.0


def serve(home: Path, code: Code, running: ExitStack) -> list[Way]:
    """Start every server; return every way to ask one of them."""
    http_port = free_port()
    locations = locations_in(home, http_port)
    gunicorn = ["-c", "python:faiss_server.gunicorn_settings"]
    http = psutil.Process(running.enter_context(served(gunicorn, http_port, environment_of(locations))).pid)
    over_http = partial(_over_http, timeout_s=TIMEOUT_S)
    ways = [
        Way(PRODUCT, over_http, http_port, http),
        Way("HTTP, a request a search", over_http, http_port, http, n_searchers=SIDE_BY_SIDE),
    ]
    for kind in ("threads", "asyncio"):
        port = free_port()
        server = running.enter_context(_served_by_grpc(kind, home, port, locations))
        ways += [
            Way(f"gRPC on {kind}, a call a search", partial(UnaryIndex, code), port, server),
            Way(f"gRPC on {kind}, gathered", partial(GatheringIndex, code), port, server),
            Way(f"gRPC on {kind}, a stream, gathered", partial(StreamingIndex, code), port, server),
        ]
    return ways


def _over_http(port: int, timeout_s: float) -> HttpIndex:
    return HttpIndex(f"http://127.0.0.1:{port}", timeout_s)


@contextmanager
def _served_by_grpc(
    kind: str, code: Path, port: int, locations: LocationSettings
) -> Iterator[psutil.Process]:
    """Run the service over gRPC until the block ends; enter it once it answers."""
    arguments = [kind, "--code", str(code), "--port", str(port)]
    command = [sys.executable, "-m", "benchmarks.index_grpc.server", *arguments]
    process = subprocess.Popen(command, env=environment_of(locations))
    try:
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            grpc.channel_ready_future(channel).result(_START_S)
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(timeout=20)
