"""One measured run of the trainer over real services, in a process of its own: ``SECONDS`` of a filled topic.

Finds the services by the environment, as every process does. Prints JSON: events a second in each window, the
share of each stage, the CPU it took. Used by `benchmarks.services.whole_system`.
"""

import json
import sys
import time

from benchmarks.trainer.run import N_FEW_EVENTS, StageTimes, n_read, open_process, start
from streamrec.ports import INTERACTIONS
from streamrec.process.stream_loop import StreamLoop
from streamrec.promotion.roles import LEASE_NAME
from streamrec.publishing.publisher import Publisher
from streamrec.settings.processes import LocationSettings
from streamrec.telemetry import configure_logging
from streamrec.trainer.trainer_process import TrainerProcess

WINDOW_S = 10.0


def main(seconds: float) -> None:
    """Learn for so long, or to the end of the topic; then hand over in good order."""
    configure_logging("ERROR", "benchmark")
    metrics = StageTimes()
    process = open_process(LocationSettings(), metrics)
    trainer, publisher = start(process)
    _warm(process, trainer, publisher)
    metrics.total_s.clear()
    first = last = n_read(process)
    started, started_cpu = time.perf_counter(), time.process_time()
    end = sum(process.open_source(LEASE_NAME).end_offsets()[INTERACTIONS].values())
    window_ends, rates = started + WINDOW_S, []
    while time.perf_counter() < started + seconds and n_read(process) < end:
        trainer.step()
        now = time.perf_counter()
        if now >= window_ends:
            rates.append((n_read(process) - last) / (now - window_ends + WINDOW_S))
            last, window_ends = n_read(process), now + WINDOW_S
    publisher.drain()
    took_s, cpu_s = time.perf_counter() - started, time.process_time() - started_cpu
    n_events = n_read(process) - first
    stages = sorted(metrics.total_s.items(), key=lambda stage: -stage[1])
    result = {
        "n_events": n_events,
        "seconds": took_s,
        "is_at_end": n_read(process) == end,
        "events_per_s": n_events / took_s,
        "slowest_window_per_s": min(rates, default=0.0),
        "windows_per_s": rates,
        "cores_busy": cpu_s / took_s,
        "stage_share": {name: round(s / took_s, 3) for name, s in stages},
    }
    print(json.dumps(result))
    publisher.close()


def _warm(process: TrainerProcess, trainer: StreamLoop, publisher: Publisher) -> None:
    while n_read(process) < N_FEW_EVENTS:
        trainer.step()
    publisher.drain()


if __name__ == "__main__":
    main(float(sys.argv[1]))
