"""A backlog as real streams have it, through the whole loop: what comes of it is bounded, and of use."""

import asyncio
import json
from pathlib import Path

import numpy as np
import torch

from benchmarks.learning.stability_streams import draw_stream
from models.bounds import BIAS, ITEM_NORM, flaw_of
from streamrec.adapters.sqlite.events import SqliteEventSink, SqliteEventSource
from streamrec.domain.ranking.metrics import rank_of
from streamrec.learning.state.trainer_state import TrainerState
from streamrec.ports import COMMANDS, INTERACTIONS, Message
from streamrec.settings.processes import TrainerSettings
from tests.builders import LEARNING, World

N_BACKLOG, N_ASKED, K = 50_000, 2_000, 10


def test_a_backlog_of_popular_items_leaves_a_sound_model_that_ranks(tmp_path: Path) -> None:
    stream = draw_stream("zipf 1", "ones", 1_000, N_BACKLOG + N_ASKED)
    pairs = list(zip(stream.users.tolist(), stream.items.tolist(), strict=True))
    world, file = World(tmp_path / "artifacts"), tmp_path / "events.db"
    sink = SqliteEventSink(file)
    for first in range(0, N_BACKLOG, 10_000):
        numbered = list(enumerate(pairs[first : min(first + 10_000, N_BACKLOG)], start=first))
        events = [
            {"user_id": f"u{user}", "item_id": f"i{item}", "timestamp": n} for n, (user, item) in numbered
        ]
        sink.append(INTERACTIONS, [Message("key", json.dumps(event).encode()) for event in events])
    world.source = SqliteEventSource(file, [COMMANDS, INTERACTIONS], "trainer")
    trainer = world.trainer(checkpoint_interval_s=20, tail_s=1e9)
    trainer.step(30)
    trainer.finish()
    assert trainer.state.counters.n_learned == N_BACKLOG
    opened, place = world.checkpoints.open_newest(LEARNING, TrainerSettings())
    assert place[INTERACTIONS] == trainer.source.next_offsets()[INTERACTIONS]
    assert flaw_of(opened.learner.model.tensors()) is None
    vectors = [record.vector for record in world.published_vectors().values()]
    items = np.array([np.frombuffer(vector, "<f4") for vector in vectors if vector is not None])
    assert len(items) == len(set(stream.items[:N_BACKLOG].tolist()))
    assert np.linalg.norm(items[:, :-1], axis=1).max() <= 1.01 * ITEM_NORM
    assert np.abs(items[:, -1]).max() <= 1.01 * BIAS
    documents = asyncio.run(world.store.get_users([f"u{user}" for user in set(stream.users.tolist())]))
    states = [document.state for document in documents.values() if document.state is not None]
    assert len(states) == trainer.state.user_ids.n_rows
    vectors = [state.vector for state in states]
    assert all(raw is not None and np.isfinite(np.frombuffer(raw, "<f4")).all() for raw in vectors)
    recall, of_popularity = recalls(opened, pairs)
    assert recall >= of_popularity > 0


def recalls(state: TrainerState, pairs: list[tuple[int, int]]) -> tuple[float, float]:
    """Return recall@10 of the model, and of counting: of what comes next and is new to its user."""
    chosen: dict[str, set[str]] = {}
    counts = np.zeros(state.item_ids.n_rows)
    for user, item in pairs[:N_BACKLOG]:
        chosen.setdefault(f"u{user}", set()).add(f"i{item}")
        counts[state.item_ids.rows_of([f"i{item}"])[0]] += 1
    model, hits = state.learner.model, []
    for user_id, item_id in {(f"u{user}", f"i{item}") for user, item in pairs[N_BACKLOG:]}:
        user_row, item_row = state.user_ids.rows_of([user_id])[0], state.item_ids.rows_of([item_id])[0]
        if min(user_row, item_row) < 0 or item_id in chosen[user_id]:
            continue
        excluded = state.item_ids.rows_of(sorted(chosen[user_id]))
        vector = model.user_vectors(torch.tensor([user_row]))[0]
        logits = (model.item_vectors(torch.arange(len(counts))) @ vector).numpy()
        hits.append([rank_of(scores, item_row, excluded) < K for scores in (logits, counts)])
    recall, of_popularity = np.mean(hits, axis=0).tolist()
    return recall, of_popularity
