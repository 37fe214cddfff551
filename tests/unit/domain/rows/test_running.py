import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from streamrec.domain.rows.running import sums_before


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 100)), max_size=60))
def test_sums_are_those_of_adding_one_after_the_other(pairs: list[tuple[int, int]]) -> None:
    rows, amounts = np.array(pairs, np.int64).reshape(-1, 2).T
    totals: dict[int, int] = {}
    expected = []
    for row, amount in pairs:
        expected.append(totals.get(row, 0))
        totals[row] = totals.get(row, 0) + amount
    sums, counts = sums_before(rows, amounts.astype(float), np.ones(len(rows)))
    assert sums.tolist() == expected
    assert counts.tolist() == [
        sum(row == other for other, _ in pairs[:at]) for at, (row, _) in enumerate(pairs)
    ]


def test_a_large_amount_leaves_the_small_ones_of_others_their_digits() -> None:
    (sums,) = sums_before(np.array([0, 1, 0, 1]), np.array([1e300, 10.0, 1e300, 10.0]))
    assert sums.tolist() == [0.0, 0.0, 1e300, 10.0]
