"""Items that an event stands against: which are drawn, and what each counts."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from models.context import Context
from models.descent import Descent, Rates, Replays
from models.event_step import _draw
from models.gmf import GMF
from models.replay_memory import ReplayMemory
from models.step_memory import Known, Lessons, new_work

N_USERS, N_ITEMS, N_RECENT = 5, 40, 12
DEAD = 7
RATES = Rates(user=0.1, item=0.1, bias=0.1, past=0.1, decay=0.0)


def known() -> Known:
    is_alive = np.ones(1024, np.bool_)
    is_alive[DEAD] = False
    no_bits = np.zeros(0, np.uint8)
    return Known(np.zeros(1 << 12, np.uint8), no_bits, np.zeros(1, np.int64), is_alive, np.array([N_ITEMS]))


def lessons(n: int, seed: int = 0) -> Lessons:
    """Return events of which most are of a few items."""
    chance = np.random.default_rng(seed)
    items = (N_ITEMS * chance.random(n) ** 4).astype(np.int64)
    items[items == DEAD] = 0
    users, times = chance.integers(N_USERS, size=n), 1000.0 + np.arange(n, dtype=np.float64)
    return Lessons(users, items, np.ones(n, np.float32), times, chance.integers(1 << 62, size=n))


def model() -> GMF:
    gmf = GMF(embedding_dim=4, std=0.1, seed=3, context=Context(3))
    gmf.grow_to(N_USERS, N_ITEMS)
    return gmf


def descent(share: float, loss: str = "softmax") -> Descent:
    return Descent(loss, RATES, 10, Replays(2, 0.5, share))


def learned(n: int = 60) -> tuple[GMF, ReplayMemory]:
    gmf, memory = model(), ReplayMemory(N_RECENT, 20, 3)
    descent(0.5).learn(gmf, memory, known(), lessons(n))
    return gmf, memory


def in_ring(memory: ReplayMemory) -> NDArray[np.int64]:
    items = memory.tables().items[:N_RECENT]
    return np.bincount(items[items >= 0], minlength=N_ITEMS)


def counted(memory: ReplayMemory) -> list[int]:
    counts = memory.tables(n_items=N_ITEMS).counts
    assert not counts[N_ITEMS:].any()
    numbers: list[int] = counts[:N_ITEMS].tolist()
    return numbers


@pytest.mark.parametrize("share", [0.0, 0.3, 0.5, 1.0])
def test_what_was_drawn_adds_up_to_all_that_could_be_drawn(share: float) -> None:
    _, memory = learned()
    ring = in_ring(memory)
    amounts = np.linspace(1, 5, N_ITEMS)
    total, n_draws = 0.0, 3000
    work = new_work(1, 4, 0, 10)
    for seed in range(n_draws):
        _draw(known(), memory.tables(), work, (np.uint64(seed * 7919), share))
        items = work.items[1:]
        is_there = items >= 0
        total += float((np.exp(work.log_odds) * amounts[items] * is_there).sum())
    # Where all are of the newest events, they stand for no others.
    drawable = (ring > 0) if share == 1.0 else np.ones(N_ITEMS, bool)
    drawable[DEAD] = False
    assert total / n_draws == pytest.approx(amounts[drawable].sum(), rel=0.03)


def test_items_of_the_newest_events_are_drawn_more_often() -> None:
    _, memory = learned()
    newest = int(in_ring(memory).argmax())
    work = new_work(1, 4, 0, 10)
    n_drawn = {0.0: 0, 0.5: 0}
    for share in n_drawn:
        for seed in range(500):
            _draw(known(), memory.tables(), work, (np.uint64(seed * 7919), share))
            n_drawn[share] += int((work.items[1:] == newest).sum())
    assert n_drawn[0.5] > 2 * n_drawn[0.0]


@pytest.mark.parametrize("batch", [1, 7, 60])
def test_items_in_the_ring_are_counted(batch: int) -> None:
    gmf, memory, how, pairs, events = (
        model(),
        ReplayMemory(N_RECENT, 20, 3),
        descent(0.5),
        known(),
        lessons(60),
    )
    for first in range(0, 60, batch):
        how.learn(gmf, memory, pairs, events.at(slice(first, first + batch)))
        assert counted(memory) == in_ring(memory).tolist()
    assert in_ring(memory).sum() == N_RECENT


def test_what_is_forgotten_is_counted_no_more() -> None:
    _, memory = learned()
    gone = int(in_ring(memory).argmax())
    memory.forget_items(torch.tensor([gone]))
    assert in_ring(memory)[gone] == 0
    assert counted(memory) == in_ring(memory).tolist()
    memory.forget_users(torch.tensor([0, 1]))
    assert counted(memory) == in_ring(memory).tolist()


def test_a_memory_that_was_stored_counts_what_it_holds() -> None:
    _, memory = learned()
    loaded = ReplayMemory(N_RECENT, 20, 3)
    loaded.load({name: tensor.clone() for name, tensor in memory.tensors().items()})
    assert counted(loaded) == counted(memory)


@pytest.mark.parametrize("loss", ["bpr", "logistic"])
def test_other_losses_draw_all_items_alike(loss: str) -> None:
    found = []
    for share in (0.0, 0.5):
        gmf = model()
        descent(share, loss).learn(gmf, ReplayMemory(N_RECENT, 20, 3), known(), lessons(60))
        found.append(gmf.items.rows.clone())
    assert torch.equal(*found)


def test_a_ring_that_was_emptied_leaves_all_items() -> None:
    gmf, memory = learned()
    memory.forget_users(torch.arange(N_USERS))
    assert in_ring(memory).sum() == 0
    loss, _ = descent(0.5).learn(gmf, memory, known(), lessons(5, seed=1))
    assert np.isfinite(loss)
