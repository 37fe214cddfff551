"""Events of one moment keep the order of their file, all the way from the file to what is learned of them."""

import gzip
import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
import torch

from streamrec.adapters.memory.events import MemoryEventLog, MemoryEventSink
from streamrec.datasets.files.event_files import EventFile, read_events
from streamrec.datasets.replay import Replay, due_at_speed
from streamrec.domain.events.interaction import Interaction
from streamrec.domain.items.content_index import ContentIndex
from streamrec.evaluation.prequential import columns
from streamrec.learning.absorb import absorb
from streamrec.learning.initial.fit import FitOptions
from streamrec.learning.initial.release import Start, train_initially
from streamrec.learning.rules import LearningRules
from streamrec.learning.state.trainer_state import TrainerState
from streamrec.ports import INTERACTIONS
from streamrec.publishing.views import user_states
from streamrec.settings.processes import LearningSettings, TrainerSettings
from streamrec.wire import decode_event
from tests.builders import WEIGHTS
from tests.unit.datasets.test_replay import StoppedClock

N_USERS, N_EVENTS = 7, 400

Row = dict[str, object]


def rows() -> list[Row]:
    """Return events of which most share their second with several others, of the same user too."""
    chance = np.random.default_rng(5)
    seconds = np.sort(chance.integers(0, 20, N_EVENTS))
    users = chance.integers(0, N_USERS, N_EVENTS)
    # Ids fall as the stream goes on: an order by id would be the opposite of the file's.
    return [
        {"user_id": f"u{user}", "item_id": f"i{N_EVENTS - n:03d}", "timestamp": 1.7e9 + float(second)}
        for n, (user, second) in enumerate(zip(users.tolist(), seconds.tolist(), strict=True))
    ]


def as_csv(some: Sequence[Row]) -> str:
    lines = [",".join(map(str, row.values())) for row in some]
    return "\n".join(["user_id,item_id,timestamp", *lines]) + "\n"


def write_csv(folder: Path) -> Path:
    path = folder / "events.csv"
    path.write_text(as_csv(rows()), "utf-8")
    return path


def write_gzip(folder: Path) -> Path:
    path = folder / "events.csv.gz"
    path.write_bytes(gzip.compress(as_csv(rows()).encode()))
    return path


def write_json_lines(folder: Path) -> Path:
    path = folder / "events.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows()), "utf-8")
    return path


def write_parquet(folder: Path) -> Path:
    path = folder / "events.parquet"
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows()), path, row_group_size=64)
    return path


def write_parts(folder: Path) -> Path:
    parts = folder / "parts"
    parts.mkdir()
    for number in range(4):
        some = rows()[number * N_EVENTS // 4 : (number + 1) * N_EVENTS // 4]
        (parts / f"part-{number:05d}.csv").write_text(as_csv(some), "utf-8")
    return parts


def of_each_user(events: Sequence[Interaction]) -> dict[str, list[str]]:
    found = defaultdict(list)
    for event in events:
        found[event.user_id].append(event.item_id)
    return dict(found)


def in_file() -> dict[str, list[str]]:
    return of_each_user([Interaction(str(row["user_id"]), str(row["item_id"]), 0.0) for row in rows()])


@pytest.mark.parametrize("write", [write_csv, write_gzip, write_json_lines, write_parquet, write_parts])
def test_every_reader_keeps_it(write: Callable[[Path], Path], tmp_path: Path) -> None:
    assert of_each_user(read_events(EventFile(write(tmp_path)))) == in_file()


def test_rows_out_of_time_are_sorted_and_the_rest_stays(tmp_path: Path) -> None:
    path = tmp_path / "late.csv"
    path.write_text(as_csv([*rows()[200:], *rows()[:200]]), "utf-8")
    moment = str(rows()[200]["timestamp"])
    expected = [row["item_id"] for row in [*rows()[200:], *rows()[:200]] if str(row["timestamp"]) == moment]
    found = [event.item_id for event in read_events(EventFile(path)) if str(event.timestamp) == moment]
    assert len(found) > 10
    assert found == expected


def test_a_replay_keeps_it(tmp_path: Path) -> None:
    clock = StoppedClock()
    log = MemoryEventLog()
    events = read_events(EventFile(write_csv(tmp_path)))
    Replay(events, due_at_speed(events, 1.0), MemoryEventSink(log), clock=clock).run()
    assert (
        of_each_user([decode_event(record.value, 0.0) for record in log.records[INTERACTIONS]]) == in_file()
    )


def test_an_evaluation_keeps_it(tmp_path: Path) -> None:
    found = columns(read_events(EventFile(write_csv(tmp_path))))
    # Rows are numbered by first appearance, and each item appears once.
    assert found.item_rows.tolist() == list(range(N_EVENTS))


@pytest.mark.parametrize("batch", [1, 64, N_EVENTS])
@pytest.mark.parametrize("n_initial", [0, 150])
def test_what_is_learned_last_is_what_the_file_has_last(batch: int, n_initial: int, tmp_path: Path) -> None:
    learning = LearningSettings(embedding_dim=4, n_negatives=5)
    state = TrainerState("g", learning, TrainerSettings())
    rules = LearningRules(WEIGHTS, is_value_weighted=False, contents=ContentIndex())
    events = list(read_events(EventFile(write_csv(tmp_path))))
    if n_initial:
        train_initially(state, Start(events[:n_initial], rules, FitOptions(max_epochs=1)), lambda *_: None)
    for start in range(n_initial, N_EVENTS, batch):
        absorb(state, events[start : start + batch], rules, 0.0)
    users = user_states(state, np.arange(N_USERS))
    published = {user.user_id: list(user.recent) for user in users}
    assert published == {user_id: items[-len(published[user_id]) :] for user_id, items in in_file().items()}
    assert min(map(len, published.values())) >= 20
    past = state.learner.model.past_of(torch.arange(N_USERS))
    for row, user_id in enumerate(state.user_ids.ids_at(list(range(N_USERS)))):
        newest_first = state.item_ids.ids_at(past.items[row].tolist())
        assert newest_first == in_file()[user_id][::-1][: len(newest_first)]
