"""A new generation takes the live one's place only if it knows as much, and ranks as well."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from streamrec.adapters.files.snapshot_retention import predicted_path
from streamrec.adapters.files.snapshots import current_generation, read_manifest, read_snapshot
from streamrec.cli.retraining.archiving import archive_log
from streamrec.cli.retraining.joined_history import joined_history
from streamrec.cli.screen import progress_bar
from streamrec.cli.training.initial import train
from streamrec.datasets.open_dataset import open_dataset
from streamrec.domain.events.interaction import Interaction
from streamrec.errors import InvalidInput, RefusedGeneration
from streamrec.learning.initial.fit import FitOptions
from streamrec.ports import INTERACTIONS, Message
from streamrec.promotion.admission import size_of_live
from streamrec.promotion.gate import Demands, Gate, Verdict
from streamrec.settings.processes import LocationSettings, TrainerSettings
from streamrec.shadow.predicted_events import PredictedEvents
from streamrec.wire import encode_event
from tests.erasure_system import ErasureSystem

N_USERS, N_GROUPS, N_EVENTS = 60, 3, 1600
ITEMS_OF_GROUP = 100


def clicks() -> list[Interaction]:
    """Return events of users who choose what is popular in their group, each item once."""
    rng = np.random.default_rng(0)
    pairs: dict[tuple[int, int], None] = {}
    while len(pairs) < N_EVENTS:
        user = int(rng.integers(N_USERS))
        item = int(ITEMS_OF_GROUP * rng.random() ** 3)
        pairs[user, N_GROUPS * item + user % N_GROUPS] = None
    return [
        Interaction(f"u{user}", f"i{item}", 1000.0 + n, event_id=f"c{n}")
        for n, (user, item) in enumerate(pairs)
    ]


CLICKS = clicks()


def spoiled(events: list[Interaction]) -> list[Interaction]:
    """Return events whose items were mixed up, but for the newest tenth."""
    items = [event.item_id for event in events[: -N_EVENTS // 10]]
    np.random.default_rng(1).shuffle(items)
    mixed = [
        Interaction(event.user_id, item, event.timestamp, event_id=event.event_id)
        for event, item in zip(events, items, strict=False)
    ]
    return mixed + events[-N_EVENTS // 10 :]


def file_of(system: ErasureSystem, events: list[Interaction], name: str = "clicks.jsonl") -> Path:
    path = system.folder / name
    path.write_bytes(b"\n".join(map(encode_event, events)))
    return path


def send(system: ErasureSystem, events: list[Interaction]) -> None:
    system.sink.append(INTERACTIONS, [Message(event.user_id, encode_event(event)) for event in events])


def retrain(
    system: ErasureSystem,
    file: Path | None = None,
    archive: Path | None = None,
    *,
    from_stream: bool = False,
    demands: Demands = Demands(),  # noqa: B008
    meanwhile: tuple[str, ...] = (),
) -> Verdict:
    verdicts: list[Verdict] = []
    gate = Gate(system.folder, demands, TrainerSettings(), verdicts.append, progress_bar)
    files = None if file is None else open_dataset(file)
    history = joined_history(LocationSettings(), files, archive, from_stream=from_stream)
    system.erase(*meanwhile)
    train(history, FitOptions(), None, admission=gate)
    system.generation = str(current_generation(system.folder))
    return verdicts[0]


@pytest.fixture
def system(own_system: ErasureSystem) -> ErasureSystem:
    return own_system


def test_a_better_one_goes_live_and_the_stream_goes_on_behind_it(system: ErasureSystem) -> None:
    first = retrain(system, file_of(system, CLICKS[:1200]))
    assert (first.against, first.is_passed, first.n_held) == ("popularity", True, 120)
    before = system.generation
    send(system, CLICKS[1100:1500])
    verdict = retrain(system, file_of(system, CLICKS[:1200]), from_stream=True)
    assert system.generation != before
    assert verdict.is_of_live, "which predicts now what it has not learned yet"
    assert verdict.size == (1500, N_USERS), "what stands in the file and in the log counts once"
    assert verdict.n_compared >= 100
    provenance = read_manifest(system.folder, system.generation).provenance
    assert provenance["n_events"] == 1500
    assert size_of_live(system.folder) == verdict.size
    assert provenance["data"]["offsets"] == {INTERACTIONS: {"0": 400}}
    users = [f"u{n}" for n in range(N_USERS)]
    assert sum(system.published(*users).values()) == 1500
    kept = predicted_path(system.folder, system.generation)
    of_gate = PredictedEvents(kept).ranks()
    send(system, CLICKS[1500:])
    system.start()
    system.catch_up()
    assert sum(system.published(*users).values()) == N_EVENTS
    system.stop()
    assert PredictedEvents(kept).ranks().keys() > of_gate.keys(), "the trainer's own predictions join them"


def test_one_that_ranks_worse_is_refused_and_nothing_of_it_is_left(system: ErasureSystem) -> None:
    retrain(system, file_of(system, CLICKS[:1440]))
    live, names = system.generation, sorted(os.listdir(system.folder))
    worse = file_of(system, spoiled(CLICKS))
    with pytest.raises(RefusedGeneration, match=r"on \d+ events recall@10 is .* the live generation has"):
        retrain(system, worse)
    assert current_generation(system.folder) == live
    assert sorted(os.listdir(system.folder)) == names
    # One of a short log is refused before anything is trained.
    send(system, [Interaction("u1", f"i{n}", 5000.0 + n) for n in range(20)])
    with pytest.raises(RefusedGeneration, match="20 events of 1 users, less than 80 %"):
        retrain(system, from_stream=True)
    with pytest.raises(InvalidInput, match="--from-archive"):
        retrain(system)
    assert current_generation(system.folder) == live
    verdict = retrain(system, from_stream=True, demands=Demands(is_enforced=False))
    assert not verdict.is_passed
    assert system.generation != live, "--force replaces it whatever comes out"


def test_what_the_live_one_predicted_when_it_came_is_what_counts(system: ErasureSystem) -> None:
    file = file_of(system, CLICKS)
    first = retrain(system, file)
    again = retrain(system, file)
    assert again.is_of_live, "by what the first predicted before it went live: it has learned all by now"
    assert again.recall_against == first.recall
    record = PredictedEvents(predicted_path(system.folder, system.generation))
    for event in CLICKS[-160:]:
        record.note(event, 0)  # always the first of the list: nobody ranks as well
    record.save()
    with pytest.raises(RefusedGeneration, match="the live generation has 1.0000"):
        retrain(system, file)


def test_what_the_log_lost_comes_from_the_archive_and_no_erased_user_with_it(system: ErasureSystem) -> None:
    archive = system.folder / "archive"
    send(system, CLICKS[:1000])
    archive_log(archive, LocationSettings(), skip_lost=False)
    system.erase("u3")
    send(system, CLICKS[1000:])
    first = retrain(system, archive=archive, from_stream=True)
    of_u3 = sum(event.user_id == "u3" for event in CLICKS[:1000])
    assert first.size.n_events == N_EVENTS - of_u3, "those of the archive from before the erasure"
    verdict = retrain(system, archive=archive, demands=Demands(least_share=0.5, is_enforced=False))
    assert verdict.size.n_events == 1000 - of_u3
    system.start()
    system.catch_up()
    learned = system.learned()
    assert sum(learned.values()) == N_EVENTS - of_u3, "the stream goes on behind the archive"


def test_erasures_meanwhile_apply(system: ErasureSystem) -> None:
    send(system, CLICKS)
    retrain(system, from_stream=True, meanwhile=("u1", CLICKS[-1].user_id))
    snapshot = read_snapshot(system.folder, system.generation)
    assert {"u1", CLICKS[-1].user_id, "u2"} & {*snapshot.users.ids} == {"u2"} - {CLICKS[-1].user_id}
    assert system.published("u1", CLICKS[-1].user_id) == {}


KILLED_AT = """
import os, signal, sys
from streamrec.adapters.files.roles import SnapshotRoles
from streamrec.learning.state.checkpoints import Checkpoints

def killing(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

setattr({"announce": SnapshotRoles, "write": Checkpoints}[sys.argv[1]], sys.argv[1], killing)
from streamrec.cli.app import main
main(sys.argv[2:])
"""


@pytest.mark.parametrize("step", ["announce", pytest.param("write", marks=pytest.mark.nightly)])
def test_kill_9_leaves_the_live_one_and_a_repeat_finishes(system: ErasureSystem, step: str) -> None:
    retrain(system, file := file_of(system, CLICKS))
    live = system.generation
    arguments = ["retrain", "--events", str(file)]
    command = [sys.executable, "-c", KILLED_AT, step, *arguments]
    environment = os.environ | {"PYTHONPATH": str(Path.cwd())}
    ended = subprocess.run(command, capture_output=True, check=False, env=environment)
    assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()
    assert current_generation(system.folder) == live
    system.start()
    send(system, CLICKS[:3])
    system.catch_up()
    system.stop()
    retrain(system, file)
    assert system.generation != live
