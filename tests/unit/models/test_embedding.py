import sys

import pytest
import torch

from models.embedding import GrowableEmbedding


def table(**options: int) -> GrowableEmbedding:
    return GrowableEmbedding(6, 0.1, seed=3, **options)


def test_growing_keeps_old_rows_and_their_optimizer_state_bit_for_bit() -> None:
    embedding = table(n_state_columns=1)
    embedding.grow_to(500)
    embedding.rows[:500] += torch.randn(500, 6)
    embedding.state[:500] = torch.rand(500, 1)
    rows, state = embedding.rows[:500].clone(), embedding.state[:500].clone()
    embedding.grow_to(20_000)
    assert torch.equal(embedding.rows[:500], rows)
    assert torch.equal(embedding.state[:500], state)
    assert (embedding.state[500:] == 0).all()


def test_capacity_grows_by_a_tenth_at_least() -> None:
    embedding = table()
    embedding.grow_to(50_000)
    before = embedding.capacity
    embedding.grow_to(before + 1)
    assert embedding.n_rows == before + 1
    assert embedding.capacity >= before * 1.1 - 1


def test_small_steps_and_one_large_one_draw_the_same_rows() -> None:
    small, large = table(), table()
    for n_rows in (1, 7, 1500, 1600, 4000):
        small.grow_to(n_rows)
    large.grow_to(4000)
    assert torch.equal(small.rows[:4000], large.rows[:4000])


def test_new_rows_are_spread_as_asked_and_differ_by_seed() -> None:
    embedding, other = table(n_zero_columns=1), GrowableEmbedding(6, 0.1, seed=4)
    embedding.grow_to(3000)
    other.grow_to(3000)
    assert abs(float(embedding.rows[:3000, :-1].std()) - 0.1) < 0.005
    assert (embedding.rows[:, -1] == 0).all()
    assert not torch.equal(embedding.rows[:, 0], other.rows[:, 0])


def test_reset_rows_start_again_and_others_stay() -> None:
    embedding, fresh = table(n_state_columns=1), table(n_state_columns=1)
    fresh.grow_to(2000)
    embedding.grow_to(2000)
    embedding.rows += 1
    embedding.state += 1
    embedding.reset(torch.tensor([3, 1999]))
    assert torch.equal(embedding.rows[[3, 1999]], fresh.rows[[3, 1999]])
    assert embedding.state[[3, 1999]].tolist() == [[0], [0]]
    assert torch.equal(embedding.rows[4], fresh.rows[4] + 1)


def test_loading_gives_what_was_saved_and_new_rows_as_ever() -> None:
    embedding, loaded = table(n_state_columns=1), table(n_state_columns=1)
    embedding.grow_to(100)
    embedding.rows[:100] *= 2
    loaded.grow_to(5000)
    loaded.load({name: tensor.clone() for name, tensor in embedding.tensors().items()})
    assert loaded.n_rows == 100
    assert torch.equal(loaded.rows[:100], embedding.rows[:100])
    embedding.grow_to(3000)
    loaded.grow_to(3000)
    assert torch.equal(loaded.rows[:3000], embedding.rows[:3000])


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere all tables are copied")
def test_a_large_table_is_not_copied_when_it_grows() -> None:
    embedding = GrowableEmbedding(64, 0.1, seed=3, n_state_columns=1)
    embedding.grow_to(20_000)
    before = embedding.rows.data_ptr()
    embedding.grow_to(40_000)
    assert embedding.rows.data_ptr() == before
    at_once = GrowableEmbedding(64, 0.1, seed=3, n_state_columns=1)
    at_once.grow_to(40_000)
    assert torch.equal(embedding.rows[:40_000], at_once.rows[:40_000])
