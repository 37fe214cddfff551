from collections.abc import Mapping

import numpy as np
import pytest
import torch

from models import bounds
from models.context import Context
from models.descent import Descent, Rates
from models.gmf import GMF
from models.losses import LOSSES
from models.step_memory import Lessons

PLAIN = Rates(user=0.3, item=0.2, bias=0.1, decay=0.0, item_boost=0.0, bias_boost=0.0, boost_events=1.0)
NO_LIMIT = 1e12


def model() -> GMF:
    gmf = GMF(embedding_dim=5, std=0.5, seed=2)
    gmf.grow_to(4, 9)
    gmf.output = torch.tensor([1.0, 0.5, 2.0, 1.5, 0.8])
    gmf.items.rows[:9, -1] = torch.linspace(-1, 1, 9)
    return gmf


def lessons(*events: tuple[int, int, float], negatives: tuple[int, ...] = (7, 3, 6)) -> Lessons:
    users, items, weights = zip(*events, strict=True)
    n = len(events)
    return Lessons(
        np.array(users),
        np.array(items),
        np.array(weights, np.float32),
        np.tile(np.array(negatives, np.int32), (n, 1)),
        np.empty((n, 0), np.int32),
    )


def descent(
    loss: str = "softmax", rates: Rates = PLAIN, n_moved: int = 3, margin_step: float = NO_LIMIT
) -> Descent:
    return Descent(loss, rates, n_moved, margin_step)


def gradients(
    gmf: GMF, user: int, item: int, past: Mapping[int, float] | None = None
) -> tuple[torch.Tensor, ...]:
    """By autograd: the loss of an event against 7, 3 and 6; by users, by items, and by items as past ones."""
    users, items = gmf.users.rows.clone().requires_grad_(), gmf.items.rows.clone().requires_grad_()
    of_past = gmf.items.rows.clone().requires_grad_()
    inner = users[user] + sum(share * of_past[row, :-1] for row, share in (past or {}).items())
    rows = torch.tensor([item, 7, 3, 6])
    logits = (inner * gmf.output * items[rows, :-1]).sum(dim=1) + items[rows, -1]
    loss = torch.logsumexp(logits, 0) - logits[0]
    by = torch.autograd.grad(loss, [users, items, of_past], allow_unused=True)
    return loss.detach(), by[0], by[1], torch.zeros_like(of_past) if by[2] is None else by[2]


def test_a_step_goes_where_autograd_points() -> None:
    gmf, start = model(), model()
    loss, by_users, by_items, _ = gradients(gmf, user=2, item=4)
    found, touched = descent().learn(gmf, lessons((2, 4, 2.0)))
    assert found == pytest.approx(float(loss), rel=1e-5)
    assert touched.tolist() == [3, 4, 6, 7]
    torch.testing.assert_close(gmf.users.rows, start.users.rows - 0.6 * by_users)
    torch.testing.assert_close(gmf.items.rows[:, :-1], (start.items.rows - 0.4 * by_items)[:, :-1])
    torch.testing.assert_close(gmf.items.rows[:, -1], (start.items.rows - 0.2 * by_items)[:, -1])


def test_events_are_learned_one_after_the_other_whatever_the_batch() -> None:
    events = [(2, 4, 1.0), (2, 5, 2.0), (0, 4, 0.5), (2, 4, 1.0)]
    at_once, one_by_one = model(), model()
    rates = PLAIN._replace(decay=0.1, item_boost=2.0, bias_boost=4.0)
    loss, touched = descent(rates=rates).learn(at_once, lessons(*events))
    apart = [descent(rates=rates).learn(one_by_one, lessons(event)) for event in events]
    assert loss == pytest.approx(sum(one for one, _ in apart))
    assert touched.tolist() == sorted(set(np.concatenate([rows for _, rows in apart]).tolist()))
    for name, tensor in at_once.tensors().items():
        assert torch.equal(tensor, one_by_one.tensors()[name]), name


def test_a_step_is_shortened_by_how_far_the_margin_would_go() -> None:
    _, by_users, by_items, _ = gradients(model(), user=2, item=4)
    squares = 0.3 * by_users.square().sum() + 0.2 * by_items[:, :-1].square().sum()
    squares += 0.1 * by_items[:, -1].square().sum()
    size = float(by_items[:, -1].clamp(min=0).sum())  # what the biases of the negatives lose
    for weight, margin_step in ((1.0, 0.5), (50.0, 2.0)):
        gmf = model()
        descent(margin_step=margin_step).learn(gmf, lessons((2, 4, weight)))
        length = weight / (1 + weight * float(squares) / size / margin_step)
        torch.testing.assert_close(gmf.users.rows, model().users.rows - 0.3 * length * by_users)


@pytest.mark.parametrize("loss", sorted(LOSSES))
@pytest.mark.parametrize("weight", [1e-3, 1.0, 100.0, 1e6])
def test_no_step_takes_a_row_beyond_its_bound(loss: str, weight: float) -> None:
    gmf = model()
    rates = PLAIN._replace(user=10.0, item=10.0, bias=10.0, context=10.0)
    for number in range(300):
        descent(loss, rates, margin_step=4.0).learn(gmf, lessons((number % 4, number % 3, weight)))
        assert bounds.flaw_of(gmf.tensors()) is None


def test_the_output_layer_moves_only_when_asked_and_stays_within_bounds() -> None:
    gmf = model()
    before = gmf.output.clone()
    descent().learn(gmf, lessons((2, 4, 1.0)))
    assert torch.equal(gmf.output, before)
    descent().learn(gmf, lessons((2, 4, 1.0)), output_rate=0.1)
    assert not torch.equal(gmf.output, before)
    descent().learn(gmf, lessons(*[(2, 4, 100.0)] * 50), output_rate=100.0)
    assert gmf.output.min() >= bounds.LEAST_OUTPUT
    assert gmf.output.max() <= bounds.MOST_OUTPUT


def test_negatives_that_do_not_move_still_teach_the_users() -> None:
    all_move, one_moves = model(), model()
    descent(n_moved=3).learn(all_move, lessons((2, 4, 1.0)))
    _, touched = descent(n_moved=1).learn(one_moves, lessons((2, 4, 1.0)))
    assert touched.tolist() == [4, 7]
    assert torch.equal(all_move.users.rows, one_moves.users.rows)
    assert torch.equal(one_moves.items.rows[3], model().items.rows[3])
    # The one stands for three.
    torch.testing.assert_close(
        one_moves.items.rows[7] - model().items.rows[7],
        3 * (all_move.items.rows[7] - model().items.rows[7]),
    )


@pytest.mark.parametrize("loss", sorted(LOSSES))
def test_negatives_left_out_change_nothing(loss: str) -> None:
    some, fewer = model(), model()
    # What stands for how many is counted before any is left out: all move here.
    descent(loss, n_moved=9).learn(some, lessons((2, 4, 1.0), negatives=(-1, 7, -1, 3)))
    descent(loss, n_moved=9).learn(fewer, lessons((2, 4, 1.0), negatives=(7, 3)))
    assert torch.equal(some.users.rows, fewer.users.rows)
    assert torch.equal(some.items.rows, fewer.items.rows)


def test_a_replayed_item_teaches_its_user_and_stays() -> None:
    gmf, plain = model(), model()
    replaying = lessons((2, 4, 1.0), (0, 1, 2.0))._replace(
        replayed=np.array([[8], [-1]], np.int32), replay_weight=0.3
    )
    descent().learn(plain, lessons((2, 4, 1.0), (0, 1, 2.0)))
    descent().learn(gmf, replaying)
    assert torch.equal(gmf.items.rows, plain.items.rows)
    assert not torch.equal(gmf.users.rows[2], plain.users.rows[2])
    torch.testing.assert_close(gmf.users.rows[0], plain.users.rows[0])


def test_a_new_item_moves_further_than_one_long_known() -> None:
    rates = PLAIN._replace(item_boost=2.0, bias_boost=4.0)
    new, known = model(), model()
    known.items.state[:] = 1e9
    descent(rates=rates).learn(new, lessons((0, 1, 1.0)))
    descent(rates=rates).learn(known, lessons((0, 1, 1.0)))
    start = model().items.rows
    torch.testing.assert_close(new.items.rows[1, :-1] - start[1, :-1], 3 * (known.items.rows - start)[1, :-1])
    torch.testing.assert_close(new.items.rows[1, -1] - start[1, -1], 5 * (known.items.rows - start)[1, -1])
    assert float(new.items.state[1]) > 0


def test_decay_shrinks_touched_rows_and_no_others() -> None:
    gmf, plain = model(), model()
    descent(rates=PLAIN._replace(decay=0.5)).learn(gmf, lessons((2, 4, 1.0)))
    descent().learn(plain, lessons((2, 4, 1.0)))
    assert gmf.users.rows[2].norm() < plain.users.rows[2].norm()
    assert torch.equal(gmf.users.rows[[0, 1, 3]], plain.users.rows[[0, 1, 3]])
    assert torch.equal(gmf.items.rows[[0, 1, 2, 5, 8]], model().items.rows[[0, 1, 2, 5, 8]])


def test_a_step_with_a_context_goes_where_autograd_points() -> None:
    gmf, start = model(), model()
    for one in (gmf, start):
        one.context = Context(2, 0.5, 0.9)
        one.context.grow_to(one.users.capacity)
        one.follow(torch.tensor([2, 2, 0, 0]), torch.tensor([8, 5, 1, 8]))
    # User 0 chose 8, and 1 before it, which is the event's own item: the other has its place.
    for user, item, past in ((2, 4, {5: 0.6, 8: 0.3}), (0, 1, {8: 0.9})):
        before, users = gmf.items.rows.clone(), gmf.users.rows.clone()
        loss, by_users, by_items, by_past = gradients(gmf, user, item, past)
        found, touched = descent(rates=PLAIN._replace(context=0.4)).learn(gmf, lessons((user, item, 1.0)))
        assert found == pytest.approx(float(loss), rel=1e-5)
        assert set(past) <= set(touched.tolist())
        torch.testing.assert_close(gmf.users.rows, users - 0.3 * by_users)
        expected = before - 0.2 * by_items - 0.4 * by_past
        torch.testing.assert_close(gmf.items.rows[:, :-1], expected[:, :-1])
    assert gmf.context is not None
    assert gmf.context.latest()[[0, 2]].tolist() == [[1, 8], [4, 5]]
