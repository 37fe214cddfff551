"""Cost of metrics in the trainer: no statsd, one that listens, one that is silent, one whose name is unknown.

One trainer learns one stream; every few steps its figures go another way, in an order that changes by round.
So all ways meet the same machine, and each is compared with "none" of its own round. Beside the throughput,
the processor time of the whole process: other processes disturb it less. Neither can tell a percent on a busy
machine, and the last figures of a turn are sent in the next one's time. So the share is also reckoned from
below: how many figures there are for an event, and what one takes, sending included.
"""

import contextlib
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer
from rich.console import Console
from rich.table import Table

from benchmarks import results_file
from benchmarks.serving.stack import locations_in
from benchmarks.trainer.run import N_FEW_EVENTS, open_process, start
from streamrec.adapters.statsd.metrics import open_metrics
from streamrec.ports import Metrics
from streamrec.process.stream_loop import StreamLoop
from streamrec.telemetry import configure_logging

N_STEPS = 4
"""In one turn of one way: some 4,000 events, a third of a second."""

N_SENDINGS, N_FIGURES, SENDING_S = 4, 10_000, 0.7
"""Figures are sent twice a second; so many wait at a time, fewer than would be dropped."""

NONE = "none"

JsonPath = Annotated[Path, typer.Option("--json", help="Where the figures go.")]


class Turn(NamedTuple):
    """Times of one turn, per event, in us."""

    wall_us: float
    cpu_us: float


class Switched:
    """Metrics that go whichever way they are told to, and are counted."""

    def __init__(self, ways: dict[str, Metrics]) -> None:
        self.ways = ways
        self.way = ways[NONE]
        self.n_figures = 0

    def count(self, name: str, n: int = 1) -> None:
        """Pass it on."""
        self.n_figures += 1
        self.way.count(name, n)

    def gauge(self, name: str, value: float) -> None:
        """Pass it on."""
        self.n_figures += 1
        self.way.gauge(name, value)

    def timing(self, name: str, duration_ms: float) -> None:
        """Pass it on."""
        self.n_figures += 1
        self.way.timing(name, duration_ms)


def take_turn(trainer: StreamLoop) -> Turn | None:
    """Learn some steps; None once the stream has come to its end."""
    wall, cpu, n_events = time.perf_counter(), time.process_time(), 0
    for _ in range(N_STEPS):
        n_read = trainer.step()
        if n_read == 0:
            return None
        n_events += n_read
    return Turn((time.perf_counter() - wall) / n_events * 1e6, (time.process_time() - cpu) / n_events * 1e6)


def rounds_of(trainer: StreamLoop, switched: Switched, statsd: socket.socket) -> list[dict[str, Turn]]:
    """Let every way have its turn, again and again, until the stream ends."""
    rounds: list[dict[str, Turn]] = []
    names = list(switched.ways)
    while True:
        turns: dict[str, Turn] = {}
        for index in range(len(names)):
            name = names[(index + len(rounds)) % len(names)]
            switched.way = switched.ways[name]
            turn = take_turn(trainer)
            if turn is None:
                return rounds
            turns[name] = turn
            _empty(statsd)
        rounds.append(turns)


def _empty(statsd: socket.socket) -> None:
    with contextlib.suppress(BlockingIOError):
        while True:
            statsd.recv(65536)


def cost_of_a_figure(metrics: Metrics) -> float:
    """Return us of processor time of a timing, the dearest figure: the call, and sending it in the thread."""
    started = time.process_time()
    for _ in range(N_SENDINGS):
        for number in range(N_FIGURES):
            metrics.timing("benchmark.calls", number)
        time.sleep(SENDING_S)
    return (time.process_time() - started) / (N_SENDINGS * N_FIGURES) * 1e6


@contextlib.contextmanager
def listening() -> Iterator[socket.socket]:
    """Give a socket that takes what statsd would."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as statsd:
        statsd.bind(("127.0.0.1", 0))
        statsd.setblocking(False)
        yield statsd


def measure(folder: Path) -> dict[str, Any]:
    """Run the trainer over what was prepared."""
    configure_logging("ERROR", "benchmark")
    with listening() as statsd:
        ways = {
            NONE: open_metrics(None),
            "listening": open_metrics(f"statsd://127.0.0.1:{statsd.getsockname()[1]}"),
            "black hole": open_metrics("statsd://192.0.2.1:8125"),
            "unresolvable": open_metrics("statsd://statsd.invalid:8125"),
        }
        switched = Switched(ways)
        process = open_process(locations_in(folder, 1), switched)
        trainer, publisher = start(process)
        n_warm = 0
        while n_warm < N_FEW_EVENTS:
            n_warm += trainer.step()
        switched.n_figures = 0
        rounds = rounds_of(trainer, switched, statsd)
        publisher.drain()
        publisher.close()
        figure_us = {name: cost_of_a_figure(way) for name, way in ways.items()}
    n_events = len(rounds) * len(ways) * N_STEPS * process.settings.max_batch
    return results_of(rounds, switched.n_figures / n_events, figure_us)


def results_of(
    rounds: list[dict[str, Turn]], figures_per_event: float, figure_us: dict[str, float]
) -> dict[str, Any]:
    """Return medians over the rounds, each way beside "none" of its round."""
    ratios: defaultdict[str, list[Turn]] = defaultdict(list)
    for turns in rounds:
        none = turns[NONE]
        for name, turn in turns.items():
            ratios[name].append(Turn(none.wall_us / turn.wall_us, turn.cpu_us / none.cpu_us))
    none_us = statistics.median(turns[NONE].wall_us for turns in rounds)
    return {
        "n_rounds": len(rounds),
        "events_per_s_without": 1e6 / none_us,
        "figures_per_1000_events": 1000 * figures_per_event,
        "ways": {
            name: {
                "throughput_ratio": statistics.median(one.wall_us for one in of_way),
                "throughput_ratio_quartiles": statistics.quantiles((one.wall_us for one in of_way), n=4)[::2],
                "cpu_ratio": statistics.median(one.cpu_us for one in of_way),
                "figure_us": figure_us[name],
                "share_of_time_in_figures": figures_per_event * (figure_us[name] - figure_us[NONE]) / none_us,
            }
            for name, of_way in ratios.items()
        },
    }


def main(json_path: JsonPath = Path("benchmarks/results/statsd_cost.json")) -> None:
    """Measure the trainer's throughput with its figures going each way."""
    with tempfile.TemporaryDirectory() as directory:
        command = [sys.executable, "-m", "benchmarks.trainer.prepare", directory, "10000", "10000"]
        subprocess.run(command, check=True)
        results = measure(Path(directory))
    show(results)
    results_file.write(json_path, results)


def show(results: dict[str, Any]) -> None:
    """Print the figures."""
    table = Table(
        "statsd", "throughput / none", "middle half", "CPU / none", "us a figure", "share of the time"
    )
    for name, way in results["ways"].items():
        low, high = way["throughput_ratio_quartiles"]
        row = [name, f"{way['throughput_ratio']:.3f}", f"{low:.3f} to {high:.3f}", f"{way['cpu_ratio']:.3f}"]
        table.add_row(*row, f"{way['figure_us']:.2f}", f"{way['share_of_time_in_figures']:.3%}")
    Console().print(table)
    print(f"{results['events_per_s_without']:,.0f} events/s without, {results['n_rounds']} rounds")
    print(
        f"{results['figures_per_1000_events']:.1f} figures for 1,000 events; wanted: at most 1 % of the time"
    )


if __name__ == "__main__":
    typer.run(main)
