"""Recommendations over HTTP beside a bare Falcon app: same server, worker class, connections and machine.

``python -m benchmarks.serving.recommendations --json FILE``
"""

import json
import multiprocessing
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Annotated, Any, NamedTuple

import falcon.asgi
import typer
from rich.console import Console
from rich.table import Table

from benchmarks import results_file
from benchmarks.serving.load import CONNECTIONS
from benchmarks.serving.stack import (
    Sizes,
    environment_of,
    locations_in,
    populate,
    served,
    stream,
)
from streamrec.cli.launch.local_servers import free_port

UVICORN = "uvicorn_worker.UvicornWorker"
_PATH = "/v1/recommendations?user_id=u{n}&k=10"
_EXPECTED = ('"degraded":false', '"source":"gmf"', '"based_on":"user_id"')
_STREAM_EVENTS_PER_S = 500.0
_IN_PROCESS = "inproc:"
_PATIENCE_S = 300.0

Result = dict[str, Any]


class _Hello:
    async def on_get(self, _req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        resp.text = "hello, world"


def hello_app() -> falcon.asgi.App[Any, Any]:
    """Return the bare app that the real one is measured against."""
    app = falcon.asgi.App()
    app.add_route("/hello", _Hello())
    app.add_route("/health/ready", _Hello())
    return app


def load(port: int, path: str, expected: tuple[str, ...] = (), **options: float) -> Result:
    """Run the load generator and return what it says."""
    command = [sys.executable, "-m", "benchmarks.serving.load", str(port), path]
    for part in expected:
        command += ["--expect", part]
    for name, value in options.items():
        command += [f"--{name}", str(value)]
    result: Result = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    if result["n_failed"]:
        print(
            f"{result['n_failed']} answers failed, the first one: {result['first_failure']}", file=sys.stderr
        )
    return result


def measure_throughput(  # noqa: PLR0913  # what is asked, of whom, and for how long
    worker: str, sizes: Sizes, recommender: int, seconds: float, turns: int, connections: int = CONNECTIONS
) -> Result:
    """Load the bare app and the recommender by turns, so that both see the same machine."""
    port = free_port()
    bare, real = list[Result](), list[Result]()
    with served(
        ["-k", worker, "benchmarks.serving.recommendations:hello_app()"], port, environment_of_bare()
    ):
        for turn in range(turns):
            bare.append(load(port, "/hello", seconds=seconds, connections=connections))
            first = turn * sizes.n_users // turns
            options = {"seconds": seconds, "first": first, "below": sizes.n_users, "connections": connections}
            real.append(load(recommender, _PATH, _EXPECTED, **options))
    ratios = [one["per_s"] / other["per_s"] for one, other in zip(real, bare, strict=True)]
    return {
        "worker": worker,
        "bare_per_s": median(result["per_s"] for result in bare),
        "bare_p99_ms": median(result["p99_ms"] for result in bare),
        "recommendations_per_s": median(result["per_s"] for result in real),
        "ratio": median(ratios),
        "ratios": ratios,
        "n_failed": sum(result["n_failed"] for result in real),
        "p50_ms": median(result["p50_ms"] for result in real),
        "p99_ms": median(result["p99_ms"] for result in real),
    }


def environment_of_bare() -> dict[str, str]:
    """Return the bare app's environment: nothing of ours."""
    return environment_of(locations_in(Path("/nonexistent"), 1))


def measure_latency(
    sizes: Sizes, recommender: int, directory: Path, index_port: int, seconds: float
) -> Result:
    """Ask 100 times a second while a stream moves users and items."""
    writer = multiprocessing.get_context("spawn").Process(
        target=stream, args=(locations_in(directory, index_port), sizes, _STREAM_EVENTS_PER_S), daemon=True
    )
    writer.start()
    try:
        return load(recommender, _PATH, _EXPECTED, seconds=seconds, rate=100, first=sizes.n_users // 2)
    finally:
        writer.terminate()
        writer.join()


class Stack(NamedTuple):
    """Populated stores in a folder, with an index server over them."""

    directory: Path
    index_port: int


@contextmanager
def populated(sizes: Sizes) -> Iterator[Stack]:
    """Fill stores in a folder of their own, and serve the index until the block ends."""
    with tempfile.TemporaryDirectory() as name:
        stack = Stack(Path(name), free_port())
        locations = locations_in(*stack)
        populate(locations, sizes)
        settings = ["-c", "python:faiss_server.gunicorn_settings"]
        with served(settings, stack.index_port, environment_of(locations)):
            yield stack


@contextmanager
def recommending(stack: Stack, worker: str, index_url: str = "") -> Iterator[int]:
    """Serve recommendations until the block ends; enter it with the port once all items are known.

    Parameters
    ----------
    index_url
        Where the index is, if not in the stack's server.
    """
    port = free_port()
    settings = ["-c", "python:recommender_server.gunicorn_settings", "-k", worker]
    environment = environment_of(locations_in(*stack))
    if index_url:
        environment |= {"STREAMREC_INDEX_URL": index_url}
    with served(settings, port, environment):
        load(port, _PATH, seconds=2)
        wait_for_items(port)
        yield port


def wait_for_items(port: int, user_id: str = "u0") -> None:
    """Wait until the server has read the items, which takes half a minute for 100,000."""
    url = f"http://127.0.0.1:{port}/v1/recommendations?user_id={user_id}&k=1&filter=year%3E0"
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        with urllib.request.urlopen(url, timeout=_PATIENCE_S) as answer:
            found = json.load(answer)
        if found["items"] and not found["degraded"]:
            return
        time.sleep(0.5)
    raise TimeoutError(f"the items are not known after {_PATIENCE_S} s")


def run(sizes: Sizes, workers: list[str], seconds: float, turns: int) -> Result:
    """Build the stack in a folder of its own and measure it."""
    throughput = []
    with populated(sizes) as stack:
        for worker in workers:
            with recommending(stack, worker) as port:
                throughput.append(measure_throughput(worker, sizes, port, seconds, turns))
                if worker == workers[0]:
                    latency = measure_latency(sizes, port, stack.directory, stack.index_port, 2 * seconds)
        with recommending(stack, workers[0], _IN_PROCESS) as port:
            in_process = measure_throughput(workers[0], sizes, port, seconds, turns)
    return {
        "sizes": sizes._asdict(),
        "throughput": throughput,
        "index_in_process": in_process,
        "latency_at_100_per_s": latency,
        "stream_events_per_s": _STREAM_EVENTS_PER_S,
    }


def show(result: Result) -> None:
    """Print the tables."""
    table = Table("worker", "index", "bare /s", "answers /s", "ratio", "failed", "p50 ms", "p99 ms")
    rows = [("over HTTP", row) for row in result["throughput"]]
    for index, row in [*rows, ("in process", result["index_in_process"])]:
        table.add_row(
            row["worker"], index, f"{row['bare_per_s']:.0f}", f"{row['recommendations_per_s']:.0f}",
            f"{row['ratio']:.3f}", str(row["n_failed"]), f"{row['p50_ms']:.1f}", f"{row['p99_ms']:.1f}",
        )  # fmt: skip
    console = Console()
    console.print(table)
    latency = result["latency_at_100_per_s"]
    console.print(
        f"at 100 requests/s beside a stream: p50 {latency['p50_ms']:.1f} ms, p99 {latency['p99_ms']:.1f} ms,"
        f" longest {latency['max_ms']:.1f} ms, failed {latency['n_failed']}"
    )


def main(
    json_path: Annotated[Path | None, typer.Option("--json", help="Where the figures go.")] = None,
    n_items: int = 100_000,
    n_users: int = 20_000,
    seconds: float = 6.0,
    turns: int = 3,
    worker: Annotated[list[str] | None, typer.Option(help="Worker classes of gunicorn.")] = None,
) -> None:
    """Measure and print; the first worker class is the one whose latency is measured."""
    result = run(Sizes(n_items, n_users), worker or [UVICORN], seconds, turns)
    results_file.write(json_path, result)
    show(result)


if __name__ == "__main__":
    typer.run(main)
