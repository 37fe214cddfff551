import math

import numpy as np
import pytest
import torch

from models import bounds
from models.context import Context
from models.descent import Descent, Rates, Replays
from models.event_step import _draw
from models.gmf import GMF
from models.losses import LOSSES
from models.replay_memory import ReplayMemory
from models.row_moves import FIRST_SQUARE, FIRST_SQUARE_OF_BIAS
from models.step_memory import Known, Lessons, new_work

PLAIN = Rates(user=0.3, item=0.2, bias=0.1, past=0.4, decay=0.0)
N_ITEMS = 9
N_NEGATIVES = 3


def model(n_context: int = 0) -> GMF:
    gmf = GMF(embedding_dim=5, std=0.5, seed=2, context=Context(n_context, 0.5))
    gmf.grow_to(4, N_ITEMS)
    gmf.users.rows[:4] = torch.linspace(-1, 1, 20).reshape(4, 5)
    gmf.output = torch.tensor([1.0, 0.5, 2.0, 1.5, 0.8])
    gmf.items.rows[:N_ITEMS, -1] = torch.linspace(-1, 1, N_ITEMS)
    return gmf


def known(is_alive: tuple[int, ...] = tuple(range(N_ITEMS))) -> Known:
    alive = np.zeros(1024, np.bool_)
    alive[list(is_alive)] = True
    no_bits = np.zeros(0, np.uint8)
    return Known(np.zeros(1 << 12, np.uint8), no_bits, np.zeros(1, np.int64), alive, np.array([N_ITEMS]))


def lessons(*events: tuple[int, int, float], seed: int = 0, time: float = 1000.0) -> Lessons:
    users, items, weights = zip(*events, strict=True)
    n = len(events)
    seeds = np.arange(seed, seed + n) * 7919
    times = time + np.arange(n, dtype=np.float64)
    return Lessons(np.array(users), np.array(items), np.array(weights, np.float32), times, seeds)


def drawn(seed: int) -> list[int]:
    """Return the items drawn to stand against the event of a seed."""
    work = new_work(1, 5, 0, N_NEGATIVES)
    _draw(known(), ReplayMemory(10, 10, 0).tables(), work, (np.uint64(seed * 7919), 0.0))
    return [int(row) for row in work.items[1:]]


SEED = next(seed for seed in range(100) if len({*drawn(seed), 4, 1, 8, 5}) == N_NEGATIVES + 4)
"""Of an event against three items, none of which is another's, nor one of those that the tests name."""


def descent(
    loss: str = "softmax", rates: Rates = PLAIN, n_replayed: int = 0, least_drift: float = 0.0
) -> Descent:
    return Descent(loss, rates, N_NEGATIVES, Replays(n_replayed, 0.5), least_drift)


def no_replay(n_context: int = 0) -> ReplayMemory:
    return ReplayMemory(10, 10, n_context)


def learn(gmf: GMF, given: Lessons, how: Descent | None = None, **options: float) -> tuple[float, list[int]]:
    loss, touched = (how or descent()).learn(gmf, no_replay(gmf.context.n), known(), given, **options)
    return loss, touched.tolist()


def gradients(
    gmf: GMF, user: int, item: int, weight: float, past: dict[int, float] | None = None
) -> tuple[float, torch.Tensor, torch.Tensor, torch.Tensor]:
    """By autograd: the loss of the event of `SEED` among the items drawn; by users, items, and items as past.

    The gradients are weighted, and of the loss among all items.
    """
    users, items = gmf.users.rows.clone().requires_grad_(), gmf.items.rows.clone().requires_grad_()
    of_past = gmf.past.rows.clone().requires_grad_()
    inner = users[user] + sum(share * of_past[row] for row, share in (past or {}).items())
    rows = torch.tensor([item, *drawn(SEED)])
    logits = (inner * gmf.output * items[rows, :-1]).sum(dim=1) + items[rows, -1]
    log_odds = torch.full((1 + N_NEGATIVES,), math.log(N_ITEMS / N_NEGATIVES))
    log_odds[0] = 0.0
    loss = torch.logsumexp(logits + log_odds, 0) - logits[0]
    among_drawn = torch.logsumexp(logits, 0) - logits[0]
    by = torch.autograd.grad(weight * loss, [users, items, of_past], allow_unused=True)
    return float(among_drawn.detach()), by[0], by[1], torch.zeros_like(of_past) if by[2] is None else by[2]


def adagrad(rate: float, gradient: torch.Tensor, first: float = float(FIRST_SQUARE)) -> torch.Tensor:
    """Return a first step of each row."""
    return rate * gradient / torch.sqrt(first + gradient.square().mean(dim=1, keepdim=True))


def test_a_step_goes_where_autograd_points() -> None:
    gmf, start = model(), model()
    loss, by_users, by_items, _ = gradients(gmf, user=2, item=4, weight=2.0)
    found, touched = learn(gmf, lessons((2, 4, 2.0), seed=SEED))
    assert found == pytest.approx(loss, rel=1e-5)
    assert touched == sorted([4, *drawn(SEED)])
    torch.testing.assert_close(gmf.users.rows, start.users.rows - adagrad(0.3, by_users))
    step = adagrad(0.2, by_items[:, :-1])
    torch.testing.assert_close(gmf.items.rows[:, :-1], start.items.rows[:, :-1] - step)
    step = adagrad(0.1, by_items[:, -1:], float(FIRST_SQUARE_OF_BIAS))
    torch.testing.assert_close(gmf.items.rows[:, -1:], start.items.rows[:, -1:] - step)


def test_a_prior_shortens_rows_of_items_by_what_is_new_in_a_lesson() -> None:
    plain, short, start = model(), model(), model()
    _, _, by_items, _ = gradients(plain, user=2, item=4, weight=2.0)
    event = lessons((2, 4, 2.0), seed=SEED)
    learn(plain, event)
    learn(short, event, descent(rates=PLAIN._replace(prior=0.5)))
    square = by_items[:, :-1].square().mean(dim=1, keepdim=True)
    shrunk = 1 / (1 + 0.5 * square / (float(FIRST_SQUARE) + square))
    assert not torch.equal(plain.items.rows, start.items.rows)
    torch.testing.assert_close(short.items.rows[:, :-1], plain.items.rows[:, :-1] * shrunk)
    torch.testing.assert_close(short.items.rows[:, -1:], plain.items.rows[:, -1:])
    torch.testing.assert_close(short.users.rows, plain.users.rows)


def test_a_prior_hardly_shortens_a_row_that_learned_much() -> None:
    shortened = []
    for n_before in (0, 1000):
        plain, short = model(), model()
        for one in (plain, short):
            one.items.state[:] = 0.05 * n_before
        learn(plain, lessons((2, 4, 2.0), seed=SEED))
        learn(short, lessons((2, 4, 2.0), seed=SEED), descent(rates=PLAIN._replace(prior=0.5)))
        lengths = [float(one.items.rows[4, :-1].norm()) for one in (short, plain)]
        shortened.append(1 - lengths[0] / lengths[1])
    assert shortened[0] > 50 * shortened[1] > 0


def test_a_step_with_a_context_goes_where_autograd_points() -> None:
    # User 0 chose 8, and 1 before it, which is the event's own item: the other has its place.
    for user, item, past in ((2, 4, {5: 2 / 3, 8: 1 / 3}), (0, 1, {8: 1.0})):
        gmf = model(n_context=2)
        gmf.follow(torch.tensor([2, 2, 0, 0]), torch.tensor([8, 5, 1, 8]), np.full(4, 1000.0))
        before = gmf.past.rows.clone()
        loss, by_users, _, by_past = gradients(gmf, user, item, 1.0, past)
        users = gmf.users.rows.clone()
        found, _ = learn(gmf, lessons((user, item, 1.0), seed=SEED))
        assert found == pytest.approx(loss, rel=1e-5)
        torch.testing.assert_close(gmf.users.rows, users - adagrad(0.3, by_users))
        torch.testing.assert_close(gmf.past.rows, before - adagrad(0.4, by_past))
        assert gmf.context.of(torch.tensor([user])).items[0, 0] == item


def test_events_are_learned_one_after_the_other_whatever_the_batch() -> None:
    events = lessons((2, 4, 1.0), (2, 5, 2.0), (0, 4, 0.5), (2, 4, 1.0))
    at_once, one_by_one = model(2), model(2)
    memories = [no_replay(2), no_replay(2)]
    rates = PLAIN._replace(decay=0.1)
    loss, touched = descent(rates=rates, n_replayed=3).learn(at_once, memories[0], known(), events)
    pairs, stepwise = known(), descent(rates=rates, n_replayed=3)
    apart = [stepwise.learn(one_by_one, memories[1], pairs, events.at(slice(n, n + 1))) for n in range(4)]
    assert loss == pytest.approx(sum(one for one, _ in apart))
    assert touched.tolist() == sorted(set(np.concatenate([rows for _, rows in apart]).tolist()))
    for name, tensor in at_once.tensors().items():
        assert torch.equal(tensor, one_by_one.tensors()[name]), name


@pytest.mark.parametrize("weight", [1e-3, 1.0, 500.0, 1e6])
def test_a_steps_length_is_bounded_whatever_an_event_weighs(weight: float) -> None:
    gmf, start = model(2), model(2)
    learn(gmf, lessons((2, 4, weight), seed=SEED))
    assert (gmf.users.rows - start.users.rows).norm(dim=1).max() <= 0.3 * math.sqrt(5) + 1e-6
    assert (gmf.items.rows - start.items.rows)[:, :-1].norm(dim=1).max() <= 0.2 * math.sqrt(5) + 1e-6
    assert (gmf.items.rows - start.items.rows)[:, -1].abs().max() <= 0.1 + 1e-6


@pytest.mark.parametrize("loss", sorted(LOSSES))
@pytest.mark.parametrize("weight", [1e-3, 1.0, 100.0, 1e6])
def test_no_step_takes_a_row_beyond_its_bound(loss: str, weight: float) -> None:
    gmf, memory, pairs = model(3), no_replay(3), known()
    how = descent(loss, Rates(user=10.0, item=10.0, bias=10.0, past=10.0, decay=0.0), n_replayed=2)
    for number in range(300):
        how.learn(gmf, memory, pairs, lessons((number % 4, number % 7, weight), seed=number))
        assert bounds.flaw_of(gmf.tensors()) is None


def test_the_output_layer_moves_only_when_asked_and_stays_within_bounds() -> None:
    gmf = model()
    before = gmf.output.clone()
    learn(gmf, lessons((2, 4, 1.0)))
    assert torch.equal(gmf.output, before)
    learn(gmf, lessons((2, 4, 1.0)), output_rate=0.1)
    assert not torch.equal(gmf.output, before)
    learn(gmf, lessons(*[(2, 4, 100.0)] * 50), output_rate=100.0)
    assert gmf.output.min() >= bounds.LEAST_OUTPUT
    assert gmf.output.max() <= bounds.MOST_OUTPUT


def test_a_pace_shortens_every_step() -> None:
    gmf, slow, start = model(), model(), model()
    learn(gmf, lessons((2, 4, 1.0), seed=SEED))
    learn(slow, lessons((2, 4, 1.0), seed=SEED), pace=0.25)
    for part in ("users", "items"):
        moved, little = (getattr(one, part).rows - getattr(start, part).rows for one in (gmf, slow))
        torch.testing.assert_close(little, 0.25 * moved)


def test_negatives_that_hardly_moved_are_named_once_it_adds_up() -> None:
    gmf, how, pairs = model(), descent(rates=PLAIN._replace(user=1e-9), least_drift=5.0), known()
    named = []
    for number in range(200):
        _, touched = how.learn(gmf, no_replay(), pairs, lessons((number % 4, 4, 1.0), seed=number))
        assert 4 in touched
        named.append(len(touched) - 1)
    assert named[0] == 0
    assert 0 < sum(named) < 200


@pytest.mark.parametrize("loss", sorted(LOSSES))
def test_known_and_dead_items_stand_against_nobody(loss: str) -> None:
    gmf, start, pairs = model(), model(), known(is_alive=(1, 2, 3, 4))
    how = descent(loss)
    for item in (1, 2, 3):
        how.learn(gmf, no_replay(), pairs, lessons((2, item, 1.0), seed=item))
    assert torch.equal(gmf.items.rows[5:N_ITEMS], start.items.rows[5:N_ITEMS])
    before = gmf.items.rows.clone()
    loss_found, _ = how.learn(gmf, no_replay(), pairs, lessons((2, 4, 1.0), seed=9))
    # User 2 knows all that lives: nothing is left to stand against.
    assert torch.equal(gmf.items.rows, before)
    assert loss == "logistic" or loss_found == pytest.approx(0, abs=1e-6)
    assert int(pairs.n_new_pairs[0]) == 4


def test_replay_teaches_others_what_they_chose_before() -> None:
    plain, replaying = model(2), model(2)
    memories = [no_replay(2), no_replay(2)]
    for gmf, memory, n in ((plain, memories[0], 0), (replaying, memories[1], 4)):
        how, pairs = descent(n_replayed=n), known()
        how.learn(gmf, memory, pairs, lessons((1, 3, 1.0), (1, 6, 1.0)))
        before = gmf.users.rows.clone()
        how.learn(gmf, memory, pairs, lessons((2, 4, 1.0), seed=5))
        assert torch.equal(before[1], gmf.users.rows[1]) == (n == 0)
        assert torch.equal(before[3], gmf.users.rows[3])


def test_decay_shrinks_touched_rows_and_no_others() -> None:
    gmf, plain, start = model(), model(), model()
    learn(gmf, lessons((2, 4, 1.0), seed=SEED), descent(rates=PLAIN._replace(decay=0.5)))
    learn(plain, lessons((2, 4, 1.0), seed=SEED))
    assert gmf.users.rows[2].norm() < plain.users.rows[2].norm()
    assert torch.equal(gmf.users.rows[[0, 1, 3]], plain.users.rows[[0, 1, 3]])
    untouched = sorted({*range(N_ITEMS)} - {4, *drawn(SEED)})
    assert torch.equal(gmf.items.rows[untouched], start.items.rows[untouched])
