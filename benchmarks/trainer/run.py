"""One measured run of the whole trainer over a prepared folder, in a process of its own.

Prints JSON: seconds, events, share of each stage, peak memory. Used by `benchmarks.trainer.throughput`.
"""

import json
import resource
import sys
import time
from collections import defaultdict
from pathlib import Path

from benchmarks.serving.stack import locations_in
from streamrec.adapters.files.roles import SnapshotRoles
from streamrec.adapters.opening import open_event_source, open_index_lookup
from streamrec.cli.training.sinks import open_sinks
from streamrec.ports import COMMANDS, INTERACTIONS, Metrics
from streamrec.process.lease import LeaseKeeper
from streamrec.process.stop import StopRequest
from streamrec.process.stream_loop import StreamLoop
from streamrec.promotion.roles import LEASE_NAME, HeldRole
from streamrec.publishing.publisher import Publisher
from streamrec.settings.garbage import leave_out_what_stays
from streamrec.settings.processes import LearningSettings, LocationSettings, TrainerSettings
from streamrec.telemetry import configure_logging
from streamrec.trainer.opening import open_trainer
from streamrec.trainer.trainer_process import TrainerProcess

N_FEW_EVENTS = 5_000
"""Learned before the clock starts: the first steps pay for page faults and compiled kernels."""


class StageTimes:
    """Metrics that add up how long each stage took."""

    def __init__(self) -> None:
        self.total_s: defaultdict[str, float] = defaultdict(float)

    def count(self, name: str, n: int = 1) -> None:
        """Not needed here."""

    def gauge(self, name: str, value: float) -> None:
        """Not needed here."""

    def timing(self, name: str, duration_ms: float) -> None:
        """Add to the stage."""
        self.total_s[name.removeprefix("trainer.")] += duration_ms / 1000


def open_process(locations: LocationSettings, metrics: Metrics) -> TrainerProcess:
    """Return a trainer's process over what the settings name."""
    source = open_event_source(locations.events_url, [COMMANDS, INTERACTIONS], LEASE_NAME)
    return TrainerProcess(
        open_source=lambda _group: source,
        sinks=open_sinks(locations, metrics),
        index=open_index_lookup(locations.index_url, timeout_s=1.0),
        metrics=metrics,
        artifacts_dir=locations.artifacts_dir,
        roles=SnapshotRoles(locations.artifacts_dir),
        learning=LearningSettings(),
        settings=TrainerSettings(tail_s=1e6),
        start="checkpoint",
        stop=StopRequest(),
        clock=time.time,
    )


def start(process: TrainerProcess) -> tuple[StreamLoop, Publisher]:
    """Take the lease and go on from the checkpoint."""
    lease = LeaseKeeper(process.sinks.store, LEASE_NAME, process.owner, 3600.0, process.clock)
    lease.wait(lambda: False, time.sleep)
    generation = process.roles.read().champion or ""
    held = HeldRole("champion", generation, lease)
    trainer = open_trainer(process, held, process.open_source(LEASE_NAME))
    return trainer.loop, trainer.context.publisher


def n_read(process: TrainerProcess) -> int:
    """Return how many events were read so far."""
    return sum(process.open_source(LEASE_NAME).next_offsets()[INTERACTIONS].values())


def main(folder: Path) -> None:
    """Learn the whole log, publish and checkpoint; print what it took."""
    configure_logging("ERROR", "benchmark")
    metrics = StageTimes()
    process = open_process(locations_in(folder, 1), metrics)
    trainer, publisher = start(process)
    n_warm = 0
    while n_warm < N_FEW_EVENTS:
        n_warm += trainer.step()
    publisher.drain()
    leave_out_what_stays()
    metrics.total_s.clear()
    before = n_read(process)
    started, started_cpu = time.perf_counter(), time.process_time()
    process.stop.is_stopping.set()
    trainer.run()
    took_s = time.perf_counter() - started
    cpu_s = time.process_time() - started_cpu
    n_events = n_read(process) - before
    stages = sorted(metrics.total_s.items(), key=lambda stage: -stage[1])
    print(
        json.dumps(
            {
                "n_events": n_events,
                "seconds": took_s,
                "events_per_s": n_events / took_s,
                "cores_busy": cpu_s / took_s,
                "cpu_us_per_event": cpu_s / n_events * 1e6,
                "stage_share": {name: round(s / took_s, 3) for name, s in stages},
                "learning_us_per_event": metrics.total_s["learn"] / n_events * 1e6,
                "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6,
            }
        )
    )
    publisher.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
