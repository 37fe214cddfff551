"""The two Kafka drivers behind the same port, side by side on one broker.

``python -m benchmarks.services.kafka --json FILE [--url kafka://host:9092]``

Figures: records a second appended (in batches) and read (our poll loop, decoding included), processor time a
record in this process, and milliseconds from before an append to after the poll that gave the record. The
drivers take turns; ratios are of one run. Without a URL, on the broker that the tests use, on this machine.
"""

import json
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from benchmarks import results_file
from streamrec.adapters.opening import open_event_sink, open_event_source
from streamrec.cli.launch.local_servers import KAFKA, LocalServer
from streamrec.domain.events.repeats import RecentIds
from streamrec.ports import COMMANDS, INTERACTIONS, EventSource, Message
from streamrec.process.decoding import decode_events

N_TURNS = 3
N_RECORDS = 60_000
APPENDED_AT_ONCE = 2_000
POLLED_AT_ONCE = 1_024
N_SINGLE = 300
N_WARM = 20
EVENT_BYTES = 200

_PAUSE_S = 0.01
_PATIENCE_S = 10.0

SCHEMES = {"kafka-python": "kafka", "confluent-kafka": "kafka+confluent"}

Figures = dict[str, float]


def event(number: int) -> Message:
    """Return an event of `EVENT_BYTES` bytes."""
    user_id = f"user-{number * 7919 % 10_000}"
    fields = {
        "user_id": user_id,
        "item_id": f"item-{number % 3_000}",
        "timestamp": 1.7e9 + number,
        "type": "",
    }
    filling = EVENT_BYTES - len(json.dumps(fields))
    return Message(user_id, json.dumps(fields | {"type": "v" * min(filling, 64), "event_id": None}).encode())


@contextmanager
def used(figures: dict[str, list[float]], what: str, n: int) -> Iterator[None]:
    """Note records a second of the block, and what each took of this process's processor time."""
    started, started_cpu = time.perf_counter(), time.process_time()
    yield
    figures.setdefault(f"{what}_per_s", []).append(n / (time.perf_counter() - started))
    figures.setdefault(f"{what}_cpu_us", []).append((time.process_time() - started_cpu) / n * 1e6)


def read_all(source: EventSource, n: int) -> None:
    """Read and decode `n` events as the trainer does.

    Raises
    ------
    RuntimeError
        When they do not come, or are no events.
    """
    repeats, n_read = RecentIds(1000), 0
    while n_read < n:
        records = source.poll(POLLED_AT_ONCE, _PATIENCE_S)
        decoded = decode_events(records, repeats)
        if not decoded.events:
            reasons = [invalid.error.reason for invalid in decoded.invalid]
            raise RuntimeError(f"{n_read} of {n} events came; {reasons}")
        n_read += len(decoded.events)


def send_singly(url: str) -> None:
    """Append events one by one, each with the time in nanoseconds; in a process of its own, as in life."""
    sink = open_event_sink(url)
    for _ in range(N_WARM + N_SINGLE):
        sink.append(COMMANDS, [Message("key", str(time.perf_counter_ns()).encode())])
        time.sleep(_PAUSE_S)
    sink.close()


def latencies_ms(url: str, source: EventSource) -> list[float]:
    """Return how long single events took from before their append to after their poll, in order of length."""
    sender = multiprocessing.get_context("spawn").Process(target=send_singly, args=(url,))
    sender.start()
    took: list[float] = []
    while len(took) < N_WARM + N_SINGLE:
        for record in source.poll(POLLED_AT_ONCE, _PATIENCE_S):
            took.append((time.perf_counter_ns() - int(record.value or b"0")) / 1e6)
    sender.join()
    return sorted(took[N_WARM:])


def measure_turn(url: str, figures: dict[str, list[float]], messages: Sequence[Message]) -> None:
    """Fill, read and time once, on topics of this turn's own."""
    sink, source = open_event_sink(url), open_event_source(url, [COMMANDS, INTERACTIONS], "benchmark")
    sink.append(COMMANDS, [event(0)])
    read_commands(source, 1)
    with used(figures, "append", len(messages)):
        for start in range(0, len(messages), APPENDED_AT_ONCE):
            sink.append(INTERACTIONS, messages[start : start + APPENDED_AT_ONCE])
    with used(figures, "read", len(messages)):
        read_all(source, len(messages))
    took = latencies_ms(url, source)
    figures.setdefault("latency_p50_ms", []).append(took[len(took) // 2])
    figures.setdefault("latency_p99_ms", []).append(took[int(len(took) * 0.99)])
    source.close()
    sink.close()


def read_commands(source: EventSource, n: int) -> None:
    """Read `n` records of any kind, so that all connections stand before the clock starts."""
    while n > 0:
        n -= len(source.poll(POLLED_AT_ONCE, _PATIENCE_S))


def show(results: dict[str, Figures]) -> None:
    """Print a table."""
    table = Table("", *results, "ratio")
    python, confluent = (results[name] for name in SCHEMES)
    for name in python:
        row = [f"{figures[name]:,.1f}" for figures in (python, confluent)]
        table.add_row(name, *row, f"{confluent[name] / python[name]:.2f}")
    Console().print(table)


def main(
    json_path: Annotated[Path | None, typer.Option("--json", help="Write the figures there.")] = None,
    url: Annotated[str | None, typer.Option(help="A broker to use instead of one of our own.")] = None,
) -> None:
    """Measure both drivers in turns."""
    messages = [event(number) for number in range(N_RECORDS)]
    collected: dict[str, dict[str, list[float]]] = {name: {} for name in SCHEMES}
    with ExitStack() as stack:
        if url is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            server = LocalServer(KAFKA, folder).start()
            stack.callback(server.stop)
            url = server.url
        for turn in range(N_TURNS):
            for name, scheme in SCHEMES.items():
                own = f"{url.replace('kafka:', f'{scheme}:')}/benchmark-{time.time_ns()}."
                measure_turn(own, collected[name], messages)
                Console().print(f"turn {turn + 1} of {N_TURNS}: {name}")
    results = {
        name: {what: statistics.median(values) for what, values in figures.items()}
        for name, figures in collected.items()
    }
    show(results)
    results_file.write(json_path, {"n_records": N_RECORDS, "n_turns": N_TURNS, **results})


if __name__ == "__main__":
    typer.run(main)
