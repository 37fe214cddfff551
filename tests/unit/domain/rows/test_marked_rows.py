import numpy as np
import pytest

from streamrec.domain.rows.marked_rows import GoneRows, Marks, Rows, clear_lines, marked


@pytest.mark.parametrize("n_rows", [0, 1, 2, 3, 50])
@pytest.mark.parametrize("shape", [(0, 5), (1, 1), (301, 7), (64, 16), (10, 0)])
def test_all_entries_of_the_rows_are_cleared_and_no_others(n_rows: int, shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(n_rows)
    table = rng.integers(-1, 60, shape).astype(np.int32)
    rows = rng.permutation(70)[:n_rows]
    expected = np.where(np.isin(table, rows), -1, table)
    clear_lines(table, np.arange(len(table)), marked(rows))
    np.testing.assert_array_equal(table, expected)


class Lines:
    """A table that may grow, and what was read of it."""

    def __init__(self, n_lines: int, n_rows: int) -> None:
        self.chance = np.random.default_rng(1)
        self.n_rows = n_rows
        self.table = np.zeros((0, 4), np.int32)
        self.grow(n_lines)
        self.gone = GoneRows(lambda: len(self.table), self.clear)
        self.n_cleared = 0

    def grow(self, n_lines: int, *gone: int) -> None:
        new = self.chance.integers(0, self.n_rows, (n_lines, 4)).astype(np.int32)
        new[np.isin(new, gone)] = -1  # nobody chooses what is gone
        self.table = np.concatenate([self.table, new])

    def clear(self, lines: Rows, is_gone: Marks) -> None:
        self.n_cleared = max(self.n_cleared, len(lines))
        clear_lines(self.table, lines, is_gone)


def test_a_table_that_grows_is_gone_through_in_parts_and_meanwhile_read_without_what_is_gone() -> None:
    lines = Lines(n_lines=100_000, n_rows=500)
    lines.gone.mark(np.array([7, 499, 7, 2000]))
    assert np.isin([7, 499], lines.table).all()
    lines.gone.clear(np.array([3, 99_999, 100_000, 5]))
    assert not np.isin(lines.table[[3, 99_999, 5]], [7, 499]).any()
    lines.gone.begin()
    n_parts = 0
    while not lines.gone.is_through:
        lines.gone.go_on()
        lines.grow(100, 7, 499)
        n_parts += 1
    assert n_parts > 60
    assert lines.n_cleared < 2000
    assert not np.isin(lines.table, [7, 499]).any()
    lines.gone.settle(np.array([7]))
    assert bool(lines.gone)
    lines.gone.settle(np.array([499, 2000, 100_000]))
    assert not lines.gone
    lines.table[0, 0] = 7
    lines.gone.clear(np.array([0]))
    assert lines.table[0, 0] == 7


def test_a_small_table_is_gone_through_at_once() -> None:
    lines = Lines(n_lines=50, n_rows=5)
    lines.gone.mark(np.arange(5))
    lines.gone.begin()
    lines.gone.go_on()
    assert lines.gone.is_through
    assert (lines.table == -1).all()
