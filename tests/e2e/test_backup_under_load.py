"""Backups that are taken while events come and are learned.

Restored, a trainer ends where one would have that was never interrupted, over the log as the backup has it.
"""

import os
import shutil
import signal
import threading
from pathlib import Path

import pytest

from streamrec.adapters.sqlite.events import SqliteEventSink
from streamrec.ports import INTERACTIONS, Message
from streamrec.wire import encode_event
from tests.command_line import run
from tests.e2e.test_crash import environment, finish, outcome, started_and_at_work, stream
from tests.e2e.test_crash import start as start  # the fixture


def keep_sending(folder: Path, is_over: threading.Event) -> None:
    sink = SqliteEventSink(folder / "events.db")
    for event in stream(100_000, seed=3):
        if is_over.is_set():
            break
        sink.append(INTERACTIONS, [Message(event.user_id, encode_event(event))])
    sink.close()


@pytest.mark.nightly
@pytest.mark.parametrize("n_backups", [3])
def test_a_backup_under_load_goes_on_from_the_right_offsets(
    start: Path, tmp_path: Path, n_backups: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = tmp_path / "first"
    shutil.copytree(start, first)
    trainer, is_over = started_and_at_work(first), threading.Event()
    sender = threading.Thread(target=keep_sending, args=(first, is_over))
    sender.start()
    try:
        set_environment(monkeypatch, first)
        for number in range(n_backups):
            assert run("backup", str(tmp_path / f"backup {number}")) == 0
        assert trainer.is_alive()
    finally:
        is_over.set()
        sender.join()
        assert trainer.pid is not None
        os.kill(trainer.pid, signal.SIGKILL)
        trainer.join()
    for number in range(n_backups):
        restored, smooth = tmp_path / f"restored {number}", tmp_path / f"smooth {number}"
        set_environment(monkeypatch, restored)
        assert run("restore", str(tmp_path / f"backup {number}")) == 0
        shutil.copytree(start, smooth)
        for end in ("", "-wal", "-shm"):
            (smooth / f"events.db{end}").unlink(missing_ok=True)
        shutil.copyfile(restored / "events.db", smooth / "events.db")
        finish(restored)
        finish(smooth)
        assert outcome(restored) == outcome(smooth)


def set_environment(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    for name, value in environment(folder).items():
        monkeypatch.setenv(name, value)
