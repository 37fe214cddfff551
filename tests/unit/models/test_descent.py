import pytest
import torch

from models.context import Context
from models.descent import Batch, Descent, Rates
from models.gmf import GMF

PLAIN = Rates(user=0.3, item=0.2, bias=0.1, decay=0.0, item_boost=0.0, bias_boost=0.0, boost_events=1.0)


def model() -> GMF:
    gmf = GMF(embedding_dim=5, std=0.5, seed=2)
    gmf.grow_to(4, 9)
    gmf.output = torch.tensor([1.0, 0.5, 2.0, 1.5, 0.8])
    gmf.items.rows[:9, -1] = torch.linspace(-1, 1, 9)
    return gmf


def batch(n_moved: int = 3) -> Batch:
    return Batch(
        users=torch.tensor([2, 0]),
        places=None,
        items=torch.tensor([4, 1]),
        weights=torch.tensor([1.0, 2.0]),
        n_events=2,
        negatives=torch.tensor([7, 4, 3]),
        is_known=torch.tensor([[False, True, False], [False, False, False]]),
        n_moved=n_moved,
    )


def test_a_step_goes_where_autograd_points() -> None:
    gmf = model()
    step = batch()
    users, items = gmf.users.rows.clone().requires_grad_(), gmf.items.rows.clone().requires_grad_()

    def logits(user: int, rows: torch.Tensor) -> torch.Tensor:
        return (users[user] * gmf.output * items[rows, :-1]).sum(dim=1) + items[rows, -1]

    first = torch.logsumexp(logits(2, torch.tensor([4, 7, 3])), 0) - logits(2, torch.tensor([4]))[0]
    second = torch.logsumexp(logits(0, torch.tensor([1, 7, 4, 3])), 0) - logits(0, torch.tensor([1]))[0]
    by_users, by_items = torch.autograd.grad(first + 2 * second, [users, items])
    loss = Descent("softmax", PLAIN).step(gmf, step)
    assert loss == pytest.approx(float((first + second).detach()), rel=1e-5)
    torch.testing.assert_close(gmf.users.rows, users.detach() - 0.3 * by_users)
    torch.testing.assert_close(gmf.items.rows[:, :-1], items.detach()[:, :-1] - 0.2 * by_items[:, :-1])
    torch.testing.assert_close(gmf.items.rows[:, -1], items.detach()[:, -1] - 0.1 * by_items[:, -1])


def test_the_output_layer_moves_only_when_asked() -> None:
    gmf = model()
    before = gmf.output.clone()
    Descent("softmax", PLAIN).step(gmf, batch())
    assert torch.equal(gmf.output, before)
    Descent("softmax", PLAIN).step(gmf, batch(), output_rate=0.1)
    assert not torch.equal(gmf.output, before)


def test_negatives_that_do_not_move_still_teach_the_users() -> None:
    all_move, one_moves = model(), model()
    Descent("softmax", PLAIN).step(all_move, batch(n_moved=3))
    Descent("softmax", PLAIN).step(one_moves, batch(n_moved=1))
    assert torch.equal(all_move.users.rows, one_moves.users.rows)
    assert torch.equal(one_moves.items.rows[3], model().items.rows[3])
    # The one stands for three.
    torch.testing.assert_close(
        one_moves.items.rows[7] - model().items.rows[7],
        3 * (all_move.items.rows[7] - model().items.rows[7]),
    )


def test_several_events_of_a_user_count_by_their_mean() -> None:
    twice, once = model(), model()
    one = Batch(
        torch.tensor([1]), None, torch.tensor([5]), torch.ones(1), 1,
        torch.tensor([0]), torch.zeros(1, 1, dtype=torch.bool), 1,
    )  # fmt: skip
    same_twice = one._replace(
        places=torch.tensor([0, 0]), items=torch.tensor([5, 5]), weights=torch.ones(2), n_events=2
    )
    Descent("softmax", PLAIN).step(once, one)
    Descent("softmax", PLAIN).step(twice, same_twice)
    torch.testing.assert_close(twice.users.rows, once.users.rows)


def test_a_replayed_item_teaches_its_user_and_stays() -> None:
    gmf = model()
    replaying = batch()._replace(
        places=torch.tensor([0, 1, 0]), items=torch.tensor([4, 1, 8]), weights=torch.tensor([1.0, 2.0, 0.3])
    )
    plain = model()
    Descent("softmax", PLAIN).step(plain, batch())
    Descent("softmax", PLAIN).step(gmf, replaying)
    assert torch.equal(gmf.items.rows[8], model().items.rows[8])
    assert not torch.equal(gmf.users.rows[2], plain.users.rows[2])
    torch.testing.assert_close(gmf.users.rows[0], plain.users.rows[0])


def test_a_new_item_moves_further_than_one_long_known() -> None:
    rates = PLAIN._replace(item_boost=2.0, bias_boost=4.0)
    new, known = model(), model()
    known.items.state[:] = 1e9
    Descent("softmax", rates).step(new, batch())
    Descent("softmax", rates).step(known, batch())
    start = model().items.rows
    torch.testing.assert_close(new.items.rows[1, :-1] - start[1, :-1], 3 * (known.items.rows - start)[1, :-1])
    torch.testing.assert_close(new.items.rows[1, -1] - start[1, -1], 5 * (known.items.rows - start)[1, -1])
    assert float(new.items.state[1]) > 0


def test_decay_shrinks_touched_rows_and_no_others() -> None:
    gmf, plain = model(), model()
    Descent("softmax", PLAIN._replace(decay=0.5)).step(gmf, batch())
    Descent("softmax", PLAIN).step(plain, batch())
    assert gmf.users.rows[2].norm() < plain.users.rows[2].norm()
    assert torch.equal(gmf.users.rows[[1, 3]], plain.users.rows[[1, 3]])
    assert torch.equal(gmf.items.rows[[0, 2, 5, 6, 8]], model().items.rows[[0, 2, 5, 6, 8]])


def test_a_step_with_a_context_goes_where_autograd_points() -> None:
    gmf = model()
    gmf.context = Context(2, 0.5, 0.9)
    gmf.context.grow_to(4)
    for user, item in ((2, 6), (2, 5), (0, 1), (0, 8)):
        gmf.follow(torch.tensor([user]), torch.tensor([item]))
    one = batch(n_moved=3)
    past = gmf.past_without(one.users, one.places, one.items)
    assert past is not None
    # User 0 chose 8, and 1 before it, which is the event's own item: the other has its place.
    assert past.rows().tolist() == [5, 6, 8]
    users, items = gmf.users.rows.clone().requires_grad_(), gmf.items.rows.clone().requires_grad_()
    inner = {2: users[2] + 0.6 * items[5, :-1] + 0.3 * items[6, :-1], 0: users[0] + 0.9 * items[8, :-1]}

    def logits(user: int, rows: torch.Tensor) -> torch.Tensor:
        # As targets and negatives the items' derivatives are another's affair.
        return (inner[user] * gmf.output * items.detach()[rows, :-1]).sum(dim=1) + items.detach()[rows, -1]

    first = torch.logsumexp(logits(2, torch.tensor([4, 7, 3])), 0) - logits(2, torch.tensor([4]))[0]
    second = torch.logsumexp(logits(0, torch.tensor([1, 7, 4, 3])), 0) - logits(0, torch.tensor([1]))[0]
    by_users, by_items = torch.autograd.grad(first + 2 * second, [users, items])
    before = gmf.items.rows.clone()
    loss = Descent("softmax", PLAIN._replace(context=0.4)).step(gmf, one._replace(past=past))
    assert loss == pytest.approx(float((first + second).detach()), rel=1e-5)
    torch.testing.assert_close(gmf.users.rows, users.detach() - 0.3 * by_users)
    torch.testing.assert_close(gmf.items.rows[[5, 6, 8]], (before - 0.4 * by_items.detach())[[5, 6, 8]])
    assert torch.equal(gmf.items.rows[[0, 2]], before[[0, 2]])


def test_a_users_several_events_leave_all_their_items_out_of_the_past() -> None:
    context = Context(3, 0.5, 1.0)
    for item in (4, 5, 6):
        context.follow(torch.tensor([1]), torch.tensor([item]))
    places, items = torch.tensor([0, 0]), torch.tensor([4, 6])
    assert context.without(torch.tensor([1]), places, items).rows().tolist() == [5]
    assert context.of(torch.tensor([1])).rows().tolist() == [6, 5, 4]
