"""Bars as one asks for them."""

import pytest

from streamrec.domain.bars.bar import Bar, HeldBars
from streamrec.domain.bars.series import series


def bar(minute: int, price: float) -> Bar:
    return Bar(minute * 60, price, price + 1.0, price - 1.0, price, 1, price)


HELD = HeldBars(100 * 60 + 59.0, [bar(40, 4.0), bar(95, 9.0), bar(98, 8.0), bar(100, 10.0), bar(101, 1.0)])


def test_minutes_are_counted_back_from_now_the_current_one_included() -> None:
    assert series(HELD, 1, 1, is_carried=False) == [bar(100, 10.0)]
    assert series(HELD, 3, 1, is_carried=False) == [bar(98, 8.0), bar(100, 10.0)]
    assert series(HELD, 60, 1, is_carried=False) == [bar(95, 9.0), bar(98, 8.0), bar(100, 10.0)]


def test_what_is_after_now_is_not_shown() -> None:
    """A clock that was wrong has left it; it gives way with time."""
    assert all(found.minute <= 100 * 60 for found in series(HELD, 1440, 1, is_carried=True))


def test_a_carried_close_may_come_from_before() -> None:
    carried = series(HELD, 7, 1, is_carried=True)
    assert [found.minute // 60 for found in carried] == list(range(94, 101))
    assert carried[0] == Bar(94 * 60, 4.0, 4.0, 4.0, 4.0, 0, 0.0)
    assert [found.close for found in carried] == [4.0, 9.0, 9.0, 9.0, 8.0, 8.0, 10.0]


def test_nothing_is_carried_from_before_the_first_value() -> None:
    held = HeldBars(HELD.now, HELD.bars[1:])
    assert [found.minute // 60 for found in series(held, 30, 1, is_carried=True)][0] == 95


@pytest.mark.parametrize(("length", "starts"), [(5, [95, 100]), (15, [90]), (60, [60])])
def test_longer_bars_hold_all_that_began_within_them(length: int, starts: list[int]) -> None:
    found = series(HELD, 6, length, is_carried=False)
    assert [one.minute // 60 for one in found] == starts
    assert sum(one.count for one in found) == 3
    assert (found[0].open, found[-1].close) == (9.0, 10.0)
    assert max(one.high for one in found) == 11.0
    assert sum(one.sum for one in found) == 27.0


def test_sums_stay_numbers() -> None:
    held = HeldBars(90.0, [Bar(minute * 60, 1.0, 1.0, 1.0, 1.0, 1, 1.7e308) for minute in (0, 1)])
    [found] = series(held, 5, 5, is_carried=False)
    assert found.sum == 1.7976931348623157e308
