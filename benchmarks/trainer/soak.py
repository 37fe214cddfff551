"""Soak of the embedded default: under a load that makes more of everything all the time nothing may grow on.

All real processes (trainer, recommender, index, bars, attribution) with small bounds, so that each bound is
met within minutes. Every few seconds: the memory of each process, and the bytes of every file. What a line
through the second half gains, over that half, as a share of its middle, is the verdict: a curve that is flat
gains nothing.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from threading import Event, Thread
from typing import Annotated, Any

import numpy as np
import psutil
import typer
from rich.console import Console
from rich.table import Table

from benchmarks import results_file
from benchmarks.trainer.soak_load import N_LIVING_ITEMS, Load
from streamrec.cli.launch.local_servers import free_port
from streamrec.cli.service_call import Service
from streamrec.datasets.synthetic import SyntheticStream
from streamrec.datasets.synthetic_events import write_synthetic
from streamrec.errors import StreamrecError

ROOT = Path(__file__).parents[2]

SETTINGS = {
    "STREAMREC_RETENTION_INTERVAL_S": "3",
    "STREAMREC_RETENTION_LOG_AGE_S": "40",
    "STREAMREC_RETENTION_TOMBSTONE_AGE_S": "20",
    "STREAMREC_RETENTION_SEEN_OF_USER": "150",
    "STREAMREC_TRAINER_CHECKPOINT_INTERVAL_S": "5",
    "STREAMREC_TRAINER_DEDUPE_WINDOW": "2000",
    "STREAMREC_TRAINER_MAX_DELETED_ITEMS": "200",
    "STREAMREC_HISTORY_DEDUPE_WINDOW": "2000",
    "STREAMREC_HISTORY_MAX_ITEMS": "300",
    "STREAMREC_HISTORY_CHECKPOINT_INTERVAL_S": "5",
    "STREAMREC_LEARNING_EMBEDDING_DIM": "16",
    "STREAMREC_SERVER_N_SEEN_EXCLUDED": "150",
    "STREAMREC_LOG_LEVEL": "WARNING",
    "OMP_NUM_THREADS": "1",
}
"""Small, so that what is bounded meets its bound within minutes."""

_PATIENCE_S = 120.0
_ROUNDS_PER_S = 4.0
_MEGABYTE = 2**20

JsonPath = Annotated[Path, typer.Option("--json", help="Where the figures go.")]
Duration = Annotated[float, typer.Option("--minutes", help="Of the load.")]


class Stack:
    """The processes of the embedded default in a folder of their own."""

    def __init__(self, folder: Path, settings: Mapping[str, str]) -> None:
        self.folder = folder
        index, recommender = free_port(), free_port()
        url = f"http://127.0.0.1:{index}"
        self._environment = {**os.environ, **settings, "STREAMREC_INDEX_URL": url, "PYTHONPATH": str(ROOT)}
        self.recommender = Service(f"http://127.0.0.1:{recommender}")
        self._commands = {
            "index": self._gunicorn("faiss_server", index),
            "recommender": self._gunicorn("recommender_server", recommender),
            "trainer": [sys.executable, str(ROOT / "incremental_training.py")],
            "bars": [sys.executable, "-m", "streamrec", "history"],
            "attribution": [sys.executable, "-m", "streamrec", "attribution"],
        }
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    @staticmethod
    def _gunicorn(service: str, port: int) -> list[str]:
        settings = f"python:{service}.gunicorn_settings"
        return [sys.executable, "-m", "gunicorn", "-c", settings, "--bind", f"127.0.0.1:{port}"]

    def start(self) -> None:
        """Train a first model, start all processes, and wait until they answer."""
        write_synthetic(SyntheticStream(2_000, n_users=60, n_items=100), self.folder / "clicks.csv")
        train = [sys.executable, str(ROOT / "initial_training.py"), "--events", "clicks.csv"]
        subprocess.run(train, cwd=self.folder, env=self._environment, check=False, capture_output=True)
        for name, command in self._commands.items():
            with (self.folder / f"{name}.log").open("wb") as log:
                self.processes[name] = subprocess.Popen(
                    command, cwd=self.folder, env=self._environment, stdout=log, stderr=log
                )
        deadline = time.monotonic() + _PATIENCE_S
        while not self._is_ready():
            if time.monotonic() > deadline:
                raise TimeoutError("the processes did not become ready")
            time.sleep(0.2)

    def _is_ready(self) -> bool:
        try:
            self.recommender.get("/health/ready")
        except StreamrecError:
            return False
        return True

    def measure(self) -> dict[str, float]:
        """Return megabytes of memory by process and of disk by file; of a folder's checkpoints together."""
        found: dict[str, float] = {}
        for name, process in self.processes.items():
            family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
            found[f"memory {name}"] = sum(member.memory_info().rss for member in family) / _MEGABYTE
        for path in (self.folder / "var").rglob("*"):
            try:
                n_bytes = path.stat().st_size if path.is_file() else 0
            except FileNotFoundError:
                continue  # a checkpoint or a temporary file that went meanwhile
            if n_bytes:
                name = _name_of(path.relative_to(self.folder))
                found[f"disk {name}"] = found.get(f"disk {name}", 0.0) + n_bytes / _MEGABYTE
        return found

    def end(self) -> None:
        """Stop all, trainers first."""
        for name in ("trainer", "bars", "attribution", "recommender", "index"):
            process = self.processes.get(name)
            if process is not None:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(60)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()


def _name_of(path: Path) -> str:
    parts = path.parts[1:]
    if "checkpoints" in parts or parts[-1].endswith(".tmp"):
        return "checkpoints"
    return "snapshots" if len(parts) > 2 else "/".join(parts)


def soak(
    folder: Path,
    duration_s: float,
    interval_s: float,
    settings: Mapping[str, str] = SETTINGS,
    n_living_items: int = N_LIVING_ITEMS,
) -> dict[str, Any]:
    """Run the load for so long; return the curves and what each gained."""
    stack = Stack(folder, settings)
    is_over = Event()
    curves: dict[str, list[float]] = {}
    times: list[float] = []
    try:
        stack.start()
        load = Load(stack.recommender, n_living_items)
        load.begin()
        thread = Thread(target=load.run, args=(is_over, _ROUNDS_PER_S))
        thread.start()
        began = time.monotonic()
        while (now := time.monotonic() - began) < duration_s:
            measured = stack.measure()
            for name in {*curves, *measured}:
                curves.setdefault(name, [0.0] * len(times)).append(measured.get(name, 0.0))
            times.append(now)
            time.sleep(interval_s)
        is_over.set()
        thread.join()
    finally:
        is_over.set()
        stack.end()
    _add_totals(curves)
    return {
        "minutes": round(duration_s / 60, 1),
        "sent": {name: getattr(load, name) for name in ("n_events", "n_items", "n_erased", "n_failed")},
        "failures": dict(load.failures.most_common(5)),
        "gained_in_second_half": {name: gain(times, curve) for name, curve in sorted(curves.items())},
        "megabytes": {name: [round(value, 2) for value in curve] for name, curve in sorted(curves.items())},
        "seconds": [round(at) for at in times],
    }


def _add_totals(curves: dict[str, list[float]]) -> None:
    for kind in ("memory", "disk"):
        of_kind = [curve for name, curve in curves.items() if name.startswith(kind)]
        curves[f"{kind} in all"] = np.sum(of_kind, axis=0).tolist()


def gain(times: list[float], curve: list[float]) -> dict[str, float]:
    """Return megabytes and share that a straight line through the second half gains over that half.

    The line is Theil and Sen's (1950, 1968): a sawtooth of a checkpoint does not tilt it.

    >>> gain([0, 1, 2, 3, 4, 5, 6, 7], [0, 9, 5, 5, 1, 1.1, 1.2, 1.3])
    {'megabytes': 0.3, 'share': 0.26}
    """
    half = len(times) // 2
    at, values = np.array(times[half:]), np.array(curve[half:])
    first, second = np.triu_indices(len(at), 1)
    slopes = (values[second] - values[first]) / (at[second] - at[first])
    gained = float(np.median(slopes) * (at[-1] - at[0])) if len(slopes) else 0.0
    middle = float(np.median(values))
    return {"megabytes": round(gained, 3), "share": round(gained / middle, 3) if middle else 0.0}


def sparkline(curve: list[float], width: int = 40) -> str:
    """Return a curve in blocks, from zero to its peak.

    >>> sparkline([0, 1, 2, 3, 4], 5)
    ' ▂▄▆█'
    """
    parts = [float(np.mean(part)) for part in np.array_split(curve, min(width, len(curve)))]
    highest = max(parts) or 1.0
    return "".join(" ▁▂▃▄▅▆▇█"[round(value / highest * 8)] for value in parts)


def show(result: Mapping[str, Any]) -> None:
    """Print what each curve did."""
    table = Table(title=f"{result['minutes']} minutes: {result['sent']}")
    for heading in ("MB", "middle of 1st half", "of 2nd half", "gained in it", "share", "from 0 to the peak"):
        table.add_column(heading)
    for name, curve in result["megabytes"].items():
        half, gained = len(curve) // 2, result["gained_in_second_half"][name]
        first, second = (f"{np.median(part):.2f}" for part in (curve[:half], curve[half:]))
        table.add_row(
            name, first, second, f"{gained['megabytes']:+.2f}", f"{gained['share']:+.1%}", sparkline(curve)
        )
    Console(width=150).print(table)


def main(json: JsonPath = Path("benchmarks/results/soak.json"), minutes: Duration = 20.0) -> None:
    """Run, print a table, and write the figures."""
    with tempfile.TemporaryDirectory() as folder:
        result = soak(Path(folder), minutes * 60, interval_s=max(0.5, minutes / 4))
    show(result)
    results_file.write(json, result)


if __name__ == "__main__":
    typer.run(main)
