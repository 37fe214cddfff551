from collections.abc import Iterator
from itertools import count

import pytest

from streamrec.process.batch_size import BatchSize


@pytest.fixture
def clock() -> Iterator[float]:
    """One second from each look at it to the next."""
    return (float(second) for second in count())


def sizes_of(size: BatchSize, n_rounds: int) -> list[int]:
    found = []
    for _ in range(n_rounds):
        size.began()
        size.ended(size.n)
        found.append(size.n)
    return found


def test_rounds_come_to_the_time_that_they_may_take_from_either_side() -> None:
    # Each record takes a hundredth of a second: 400 of them fill a round of four.
    seconds = [0.0]

    def time() -> float:
        return seconds[0]

    size = BatchSize(1000, 4.0, time)
    size.begin_small()
    found = []
    for _ in range(4):
        size.began()
        seconds[0] += size.n / 100
        size.ended(size.n)
        found.append(size.n)
    assert found == [128, 256, 400, 400]
    size.n = 1000
    size.began()
    seconds[0] += 10.0
    size.ended(1000)
    assert size.n == 400


def test_however_long_a_round_takes_the_next_takes_in_what_is_worth_it(clock: Iterator[float]) -> None:
    assert sizes_of(BatchSize(1000, 1e-6, clock.__next__), 2) == [128, 128]
    assert sizes_of(BatchSize(3, 1e-6, clock.__next__), 2) == [3, 3]


def test_a_clock_that_stands_or_goes_back_lets_rounds_grow(clock: Iterator[float]) -> None:
    size = BatchSize(1000, 0.1, lambda: -next(clock))
    size.begin_small()
    assert size.n == 32
    assert sizes_of(size, 5) == [128, 256, 512, 1000, 1000]
    still = BatchSize(1000, 0.1, lambda: 5.0)
    still.begin_small()
    assert sizes_of(still, 1) == [128]


def test_a_round_of_few_records_says_little_of_many() -> None:
    size = BatchSize(1000, 1.0, iter([0.0, 0.5]).__next__)
    size.began()
    size.ended(1)
    assert size.n == 128
