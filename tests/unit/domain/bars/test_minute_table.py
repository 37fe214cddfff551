"""Minutes of items' values, against a plain account of them."""

from collections.abc import Sequence

import numpy as np
import pytest

from streamrec.domain.bars.bar import MINUTE_S, Bar
from streamrec.domain.bars.minute_table import MinuteTable, Ticks

Tick = tuple[str, float, float]


def ticks_of(ticks: Sequence[Tick], arrival: float = 1e10) -> Ticks:
    times, values = (np.array([tick[field] for tick in ticks], np.float64) for field in (1, 2))
    return Ticks([tick[0] for tick in ticks], times, values, np.full(len(ticks), arrival))


def bars_of(table: MinuteTable, item_id: str) -> list[Bar]:
    """Return an item's minutes within the window, oldest first."""
    row = table.ids.row(item_id)
    assert row >= 0
    kept = table.tallies(np.arange(row * table.window, (row + 1) * table.window))
    first = table.now // MINUTE_S - table.window + 1
    figures = ("open", "high", "low", "close", "count", "sum")
    return sorted(
        (
            Bar(int(bar["minute"]) * MINUTE_S, *(bar[name].item() for name in figures))
            for bar in kept
            if bar["count"] and bar["minute"] >= first
        ),
        key=lambda bar: bar.minute,
    )


def plainly(ticks: Sequence[Tick], item_id: str, window: int) -> list[Bar]:
    """Return the same of all ticks at once, none of which came too late."""
    now = max(time for _, time, _ in ticks)
    first = (now // MINUTE_S - window + 1) * MINUTE_S
    by_minute: dict[int, list[tuple[float, float]]] = {}
    for id_, time, value in ticks:
        if id_ == item_id and time >= first:
            by_minute.setdefault(int(time // MINUTE_S) * MINUTE_S, []).append((time, value))
    bars = []
    for minute, found in sorted(by_minute.items()):
        values = [value for _, value in sorted(found, key=lambda pair: pair[0])]  # stable
        bars.append(Bar(minute, values[0], max(values), min(values), values[-1], len(values), sum(values)))
    return bars


@pytest.mark.parametrize("seed", range(8))
def test_any_order_within_the_window_gives_what_a_plain_account_gives(seed: int) -> None:
    chance = np.random.default_rng(seed)
    window, n, step_s = 4, 3000, float(chance.choice([0.05, 1.0, 40.0]))
    delays = chance.choice([0.0, 0.0, 3.0, 70.0], n)  # late, but not beyond the window
    # Whole seconds, so that many share a moment; whole values, so that sums are exact in any order.
    times = np.maximum(np.round(1e6 + np.arange(n) * step_s - delays), 1e6)
    ticks = [
        (f"i{item}", time, float(value))
        for item, time, value in zip(
            chance.integers(0, 6, n), times.tolist(), chance.integers(-50, 50, n), strict=True
        )
    ]
    table = MinuteTable(window, max_items=6)
    index = 0
    while index < n:
        size = int(chance.choice([1, 7, 400]))
        added = table.add(ticks_of(ticks[index : index + size]))
        assert (added.n_late, added.n_ahead) == (0, 0)
        index += size
    for item_id in (f"i{item}" for item in range(6)):
        assert bars_of(table, item_id) == plainly(ticks, item_id, window)


@pytest.mark.parametrize("seed", range(4))
def test_portions_change_no_bit(seed: int) -> None:
    chance = np.random.default_rng(seed)
    window, n = 3, 2000
    times = np.maximum(1e6 + np.arange(n) * 0.5 - chance.choice([0.0, 20.0], n), 1e6)
    ticks = [
        (f"i{item}", time, value)
        for item, time, value in zip(
            chance.integers(0, 4, n), times.tolist(), chance.normal(0.1, 1e3, n).tolist(), strict=True
        )
    ]
    at_once, one_by_one, in_portions = (MinuteTable(window, max_items=4) for _ in range(3))
    at_once.add(ticks_of(ticks))
    for table, sizes in ((one_by_one, [1]), (in_portions, [2, 9, 300])):
        index = 0
        while index < n:
            size = int(chance.choice(sizes))
            table.add(ticks_of(ticks[index : index + size]))
            index += size
        for item_id in (f"i{item}" for item in range(4)):
            assert bars_of(table, item_id) == bars_of(at_once, item_id)


def test_a_single_tick_is_a_whole_minute() -> None:
    table = MinuteTable(60, max_items=10)
    table.add(ticks_of([("only", 1.7e9, 10.25)]))
    assert bars_of(table, "only") == [Bar(1_699_999_980, 10.25, 10.25, 10.25, 10.25, 1, 10.25)]


@pytest.mark.parametrize("at_once", [True, False])
def test_of_two_ticks_of_one_moment_the_order_of_arrival_decides(at_once: bool) -> None:
    table = MinuteTable(60, max_items=10)
    ticks = [("a", 60.5, 3.0), ("a", 60.5, 1.0), ("a", 60.5, 2.0)]
    for portion in [ticks] if at_once else [[tick] for tick in ticks]:
        table.add(ticks_of(portion))
    assert bars_of(table, "a") == [Bar(60, 3.0, 3.0, 1.0, 2.0, 3, 6.0)]


def test_moments_a_microsecond_apart_are_told_apart() -> None:
    table = MinuteTable(60, max_items=10)
    table.add(ticks_of([("a", 1.7e9 + 59.999999, 1.0)]))
    table.add(ticks_of([("a", 1.7e9 + 59.999998, 2.0)]))
    [bar] = bars_of(table, "a")
    assert (bar.open, bar.close) == (2.0, 1.0)


def test_negative_and_huge_values_stay_numbers() -> None:
    table = MinuteTable(60, max_items=10)
    table.add(ticks_of([("a", 0.0, -1.7e308), ("a", 1.0, -1.7e308)]))
    table.add(ticks_of([("a", 2.0, -1.7e308)]))
    [bar] = bars_of(table, "a")
    assert (bar.high, bar.low, bar.count) == (-1.7e308, -1.7e308, 3)
    assert bar.sum == -np.finfo(np.float64).max


def test_late_ticks_beyond_the_window_and_ticks_ahead_are_counted_and_change_nothing() -> None:
    table = MinuteTable(2, max_items=10)
    table.add(ticks_of([("a", 600.0, 1.0), ("a", 661.0, 2.0)], arrival=700.0))
    before = bars_of(table, "a")
    added = table.add(ticks_of([("a", 599.0, 9.0), ("a", 4e9, 9.0), ("b", 59.0, 9.0)], arrival=700.0))
    assert (added.n_late, added.n_ahead, len(added.cells)) == (2, 1, 0)
    assert bars_of(table, "a") == before
    assert "b" not in table.ids


def test_what_an_event_of_today_in_a_replay_left_gives_way() -> None:
    table = MinuteTable(2, max_items=10)
    table.add(ticks_of([("a", 1e6 + second, 1.0) for second in range(60)]))
    table.add(ticks_of([("a", 1e9, 1.0)]))
    later = [("a", 1e6 + 100 + number * 0.01, 2.0) for number in range(2000)]
    added = table.add(ticks_of(later))
    assert added.n_late == 999
    assert table.now == later[-1][1]
    assert sum(bar.count for bar in bars_of(table, "a") if bar.close == 2.0) == 2000 - 999


def test_the_longest_silent_are_evicted_and_come_back_as_new_items() -> None:
    table = MinuteTable(5, max_items=3)
    table.add(ticks_of([("a", 60.0, 1.0), ("b", 60.0, 1.0), ("c", 60.0, 1.0), ("a", 61.0, 2.0)]))
    added = table.add(ticks_of([("d", 62.0, 4.0), ("a", 63.0, 3.0)]))
    assert [item_id for _, item_id in added.evicted] == ["b"]
    assert sorted(id_ for id_ in table.ids.by_row() if id_) == ["a", "c", "d"]
    assert bars_of(table, "d") == [Bar(60, 4.0, 4.0, 4.0, 4.0, 1, 4.0)]
    added = table.add(ticks_of([("b", 64.0, 5.0)]))
    assert [item_id for _, item_id in added.evicted] == ["c"]
    assert bars_of(table, "b") == [Bar(60, 5.0, 5.0, 5.0, 5.0, 1, 5.0)]
    assert bars_of(table, "a") == [Bar(60, 1.0, 3.0, 1.0, 3.0, 3, 6.0)]


def test_cells_that_changed_are_told_once_each() -> None:
    table = MinuteTable(5, max_items=3)
    added = table.add(ticks_of([("a", 60.0 * minute, 1.0) for minute in (1, 2, 2, 9, 9, 14)]))
    assert sorted(added.cells.tolist()) == sorted(set(added.cells.tolist()))
    assert sorted(table.tallies(added.cells)["minute"].tolist()) == [1, 2, 14]
    assert sorted(table.cells_in_use(np.arange(1)).tolist()) == sorted(added.cells.tolist())


@pytest.mark.parametrize(("window", "max_items"), [(5, 4), (3, 4), (8, 9), (5, 2)])
def test_a_checkpoint_is_taken_over_also_by_another_size(window: int, max_items: int) -> None:
    chance = np.random.default_rng(1)
    ticks = [(f"i{number % 4}", 60.0 + 0.2 * number, float(chance.integers(9))) for number in range(1500)]
    table = MinuteTable(5, max_items=4)
    table.add(ticks_of(ticks[:1200]))
    other = MinuteTable(window, max_items)
    other.load(table.ids.by_row(), table.arrays())
    kept = [item_id for item_id in ("i0", "i1", "i2", "i3") if item_id in other.ids]
    assert len(kept) == min(4, max_items)
    for item_id in kept:
        assert bars_of(other, item_id) == bars_of(table, item_id)[-window:]
    for each in (table, other):
        each.add(ticks_of([tick for tick in ticks[1200:] if tick[0] in kept]))
    for item_id in kept:
        expected = plainly(ticks, item_id, min(window, 5))
        assert bars_of(other, item_id)[-len(expected) :] == expected


def test_no_ticks_are_no_error() -> None:
    table = MinuteTable(5, max_items=3)
    assert len(table.add(ticks_of([])).cells) == 0
    assert table.now == -np.inf
