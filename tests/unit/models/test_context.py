"""What a context remembers of when items were chosen."""

import numpy as np
import torch

from models.context import Context


def followed(items: list[int], times: list[float], n: int = 3) -> Context:
    context = Context(n)
    context.follow(torch.zeros(len(items), dtype=torch.int64), torch.tensor(items), np.array(times))
    return context


def test_the_times_of_a_history_are_those_of_its_newest_items() -> None:
    context = followed([4, 5, 6, 7], [10.0, 20.9, 20.9, 30.0])
    assert context.times_of(np.array([0]), [np.array([4, 5, 6, 7])]) == [[20, 20, 30]]
    assert context.times_of(np.array([0]), [np.array([6, 7])]) == [[20, 30]]
    assert context.times_of(np.array([0]), [np.array([], np.int64)]) == [[]]
    assert context.times_of(np.array([9]), [np.array([6])]) == [[]]
    assert followed([4], [1.0], n=0).times_of(np.array([0]), [np.array([4])]) == [[]]


def test_an_item_that_is_forgotten_takes_its_time_along() -> None:
    context = followed([4, 5, 6], [10.0, 20.0, 30.0])
    context.forget_items(torch.tensor([5]))
    assert context.times_of(np.array([0]), [np.array([4, 6])]) == [[10, 30]]


def test_where_a_history_differs_nothing_older_is_known() -> None:
    context = followed([4, 5, 6], [10.0, 20.0, 30.0])
    assert context.times_of(np.array([0]), [np.array([4, 9, 6])]) == [[30]]
    assert context.times_of(np.array([0]), [np.array([4, 5, 9])]) == [[]]


def test_tables_in_which_all_users_had_equal_room_are_read() -> None:
    context = followed([4, 5, 6, 7, 8], [10.0, 20.0, 30.0, 40.0, 50.0], n=6)
    context.follow(torch.tensor([2]), torch.tensor([9]), np.array([60.0]))
    users = np.arange(3)
    items, times = context.last(users)
    stored = {
        "latest": torch.from_numpy(items.astype(np.int32)),
        "times": torch.from_numpy(times.view(np.int32)),
        "slots": torch.full((3, 2, 12), -1, dtype=torch.int32),
        "scale": torch.from_numpy(context.tables().scale),
    }
    for n in (6, 3):
        read = Context(n)
        read.load(stored)
        found_items, found_times = read.last(users)
        assert np.array_equal(found_items, items[:, :n])
        assert np.array_equal(found_times, times[:, :n])
        assert read.scale_s == context.scale_s
    without_times = Context(6)
    without_times.load({"latest": stored["latest"]})
    assert np.array_equal(without_times.last(users)[0], items)


def test_memory_of_who_is_forgotten_is_the_next_ones() -> None:
    context = Context(20)
    used = []
    for user in range(50):
        rows = torch.full((20,), user)
        context.follow(rows, torch.arange(20), np.arange(20.0))
        assert context.last(np.array([user]))[0][0].tolist() == list(range(19, -1, -1))
        used.append(context.n_bytes - context.tables().kept.nbytes)
        context.forget_users(torch.tensor([user]))
        assert (context.last(np.array([user]))[0] == -1).all()
    assert used[-1] == used[0]
