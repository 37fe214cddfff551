"""Training on files that were uploaded, told of in the workspace's status."""

import os
import signal
import sys
import threading
import time
from pathlib import Path

import msgspec

from streamrec.adapters.files.roles import challenger_generation
from streamrec.adapters.files.snapshots import current_generation
from streamrec.cli.files.opening import open_chosen
from streamrec.cli.files.options import Chosen, learn_by
from streamrec.cli.load_items import catalog_rows, put_items
from streamrec.cli.own_data.record import TrainingRecord
from streamrec.cli.screen import progress_bar, say, say_rejected, told_to
from streamrec.cli.service_call import Service
from streamrec.cli.stopping import Cancellation, stop_at_end_of_input
from streamrec.datasets.config_file import OwnFiles, read_config
from streamrec.datasets.event_set import EventSet
from streamrec.datasets.files.read_report import ReadReport
from streamrec.datasets.workspace import TrainingJob, Workspace
from streamrec.errors import InvalidInput, StreamrecError
from streamrec.settings.processes import LocationSettings
from streamrec.settings.reading import read_settings
from streamrec.telemetry import configure_logging

_NICENESS = 10
"""Whoever answers requests on this machine goes first."""

_decode_job = msgspec.json.Decoder(TrainingJob).decode


def train_workspace(workspace: Workspace) -> None:
    """Train for the job that stands in the first line of standard input; SIGTERM, or its end, cancels."""
    job = _decode_job(sys.stdin.buffer.readline())
    os.nice(_NICENESS)
    cancellation = Cancellation()
    signal.signal(signal.SIGTERM, cancellation.on_signal)
    threading.Thread(target=stop_at_end_of_input, daemon=True).start()
    configure_logging("WARNING", "own-data-training")
    with workspace.training_alone():
        _recorded(workspace, job, read_settings(LocationSettings).artifacts_dir, cancellation)


def _recorded(
    workspace: Workspace, job: TrainingJob, artifacts_dir: Path, cancellation: Cancellation
) -> None:
    """Train, and record how it goes and ends."""

    def announced() -> str | None:
        return (
            challenger_generation(artifacts_dir) if job.as_challenger else current_generation(artifacts_dir)
        )

    before = announced()
    record = TrainingRecord(workspace, job, os.getpid(), time.time, cancellation.check)
    try:
        with cancellation.heeded(), told_to(record):
            _check_live(current_generation(artifacts_dir), job)
            _train(workspace, job, artifacts_dir)
    except StreamrecError as error:
        say(f"error: {error}", "red")
        record.end("failed", error=str(error))
    except KeyboardInterrupt:
        # What is announced is announced, and can't be called cancelled.
        is_out = (generation := announced()) != before
        record.end("done" if is_out else "cancelled", generation=generation if is_out else None)
    except BaseException as error:
        record.end("failed", error=f"{type(error).__name__}: {error}; see {workspace.log}")
        raise
    else:
        record.end("done", generation=announced())


def _check_live(live: str | None, job: TrainingJob) -> None:
    """See that what is replaced is what somebody agreed to replace.

    Raises
    ------
    InvalidInput
        When another generation is live meanwhile.
    """
    if live != job.replaces:
        raise InvalidInput(
            f"{live or 'no generation'} is live, not {job.replaces or 'none'}: look, and ask again"
        )


def _train(workspace: Workspace, job: TrainingJob, artifacts_dir: Path) -> None:
    # Torch takes seconds to import: it is recorded by then that a training has begun.
    from streamrec.cli.training.initial import train
    from streamrec.cli.training.initial_history import history_of
    from streamrec.learning.initial.fit import FitOptions
    from streamrec.promotion.admission import enough_to_replace

    files = read_config(workspace.config)
    learn_by(files.weights)
    events = open_chosen(Chosen(None, files))
    if not len(events):
        raise InvalidInput("no row of the files is an event")
    _put_items(events, files, Service(job.url, job.api_key))
    admission = enough_to_replace(artifacts_dir, is_demanded=not (job.is_forced or job.as_challenger))
    history = history_of(events, 1.0)
    train(history, FitOptions(), None, as_challenger=job.as_challenger, admission=admission)


def _put_items(events: EventSet, files: OwnFiles, service: Service) -> None:
    """Put the items, before anybody learns: profiles and new items go by what they are."""
    if not files.items:
        return
    report = ReadReport()
    with progress_bar("Loading items", len(events.catalog)) as show:
        n_items = put_items(service, catalog_rows(events.catalog, events.name, report), report, show)
    say_rejected(report)
    say(f"Loaded {n_items:,} items")
