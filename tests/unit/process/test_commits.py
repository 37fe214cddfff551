"""Commits of a loop whose log hangs or is locked: they cost it neither its lease nor the events that come."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from streamrec.adapters.kafka.commits import COMMIT_PATIENCE_S
from streamrec.adapters.opening import open_event_sink, open_event_source
from streamrec.cli.launch.local_servers import KAFKA, LocalServer
from streamrec.errors import Unavailable
from streamrec.learning.state.trainer_state import TrainerState
from streamrec.ports import COMMANDS, INTERACTIONS, Message, Offsets
from streamrec.settings.processes import TrainerSettings
from streamrec.telemetry import NullMetrics
from tests.builders import GENERATION, LEARNING, RunningTrainer, World
from tests.conftest import running

TOPICS = [COMMANDS, INTERACTIONS]

MESSAGES = [Message("u", b'{"user_id": "u", "item_id": "i%d"}' % number) for number in range(20)]


class Failures(NullMetrics):
    n_commits = 0

    def count(self, name: str, n: int = 1) -> None:
        self.n_commits += n * (name == "trainer.commit_failures")


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[LocalServer]:
    yield from running(KAFKA, tmp_path)


def learn(trainer: RunningTrainer, n_events: int) -> None:
    deadline = time.monotonic() + 30.0
    while trainer.state.counters.n_events < n_events and time.monotonic() < deadline:
        trainer.step()
    assert trainer.state.counters.n_events == n_events


def checkpointed(world: World) -> Offsets:
    return world.checkpoints.restore_newest(TrainerState(GENERATION, LEARNING, TrainerSettings()))


def commit_at_last(trainer: RunningTrainer) -> None:
    deadline = time.monotonic() + 30.0
    wanted = trainer.source.next_offsets()
    while trainer.source.committed() != wanted and time.monotonic() < deadline:
        trainer.loop.checkpoint()
    assert trainer.source.committed() == wanted


@pytest.mark.parametrize("scheme", ["kafka", "kafka+confluent"])
def test_a_broker_that_hangs_at_the_commit_costs_no_lease(
    scheme: str, broker: LocalServer, tmp_path: Path
) -> None:
    metrics = Failures()
    url = f"{broker.url.replace('kafka', scheme)}?partitions=1"
    world = World(tmp_path, metrics)
    with (
        closing(open_event_sink(url)) as sink,
        closing(open_event_source(url, TOPICS, "trainer")) as world.source,
    ):
        sink.append(INTERACTIONS, MESSAGES)
        trainer = world.trainer(checkpoint_interval_s=1e9)
        learn(trainer, 20)
        broker.freeze()
        started = time.monotonic()
        try:
            trainer.loop.checkpoint()
        finally:
            broker.thaw()
        assert TrainerSettings().lease_duration_s / 2 > COMMIT_PATIENCE_S
        assert time.monotonic() - started < COMMIT_PATIENCE_S + 30.0  # it would wait for a minute and more
        assert metrics.n_commits == 1
        assert checkpointed(world)[INTERACTIONS] == {0: 20}
        commit_at_last(trainer)
        sink.append(INTERACTIONS, MESSAGES)
        learn(trainer, 40)
        trainer.finish()
        assert trainer.source.committed()[INTERACTIONS] == {0: 40}


def test_a_log_file_that_somebody_locks_holds_up_no_commit_for_long(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    with closing(open_event_source(f"sqlite:///{path}", TOPICS, "trainer")) as source:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            started = time.monotonic()
            with pytest.raises(Unavailable, match="locked"):
                source.commit({INTERACTIONS: {0: 3}})
            assert time.monotonic() - started < 30.0  # it would wait for ever
        source.commit({INTERACTIONS: {0: 3}})
        assert source.committed() == {INTERACTIONS: {0: 3}}
