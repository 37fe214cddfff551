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
