import numpy as np
import pytest

from streamrec.domain.rows.marked_rows import clear_rows


@pytest.mark.parametrize("n_rows", [0, 1, 2, 3, 50])
@pytest.mark.parametrize("shape", [(0, 5), (1, 1), (301, 7), (64, 16), (10, 0)])
def test_all_entries_of_the_rows_are_cleared_and_no_others(n_rows: int, shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(n_rows)
    table = rng.integers(-1, 60, shape).astype(np.int32)
    rows = rng.permutation(70)[:n_rows]
    expected = np.where(np.isin(table, rows), -1, table)
    clear_rows(table, rows)
    np.testing.assert_array_equal(table, expected)
