from itertools import islice

import pytest

from examples.stocks.generate import USERS, Market, MarketClock


def test_equal_seeds_give_equal_trades_and_others_do_not() -> None:
    first, again, other = (list(islice(Market(10, seed).trades(0.0, 1.0), 100)) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_prices_start_at_ten_walk_in_small_steps_and_stay_at_one_or_above() -> None:
    prices: dict[str, list[float]] = {}
    for trade in islice(Market(2, seed=7).trades(0.0, 1.0), 20_000):
        prices.setdefault(trade.instrid, [10.0]).append(trade.price)
    for walk in prices.values():
        steps = [abs(after - before) for before, after in zip(walk, walk[1:], strict=False)]
        assert 0 < max(steps) < 2
    assert min(min(walk) for walk in prices.values()) == 1


@pytest.mark.parametrize(("n_instruments", "n_groups"), [(2, 1), (10, 2), (200, 20), (1000, 20)])
def test_each_instrument_is_in_one_group_and_each_group_has_a_user(n_instruments: int, n_groups: int) -> None:
    market = Market(n_instruments, seed=1)
    groups = {market.group_of(instrid) for instrid in market.instruments}
    assert len(groups) == n_groups <= len(USERS)
    assert sorted(sum(groups, ()), key=int) == list(market.instruments)


def test_users_keep_to_one_group_but_for_a_tenth() -> None:
    market = Market(200, seed=3)
    groups: dict[str, list[tuple[str, ...]]] = {user: [] for user in USERS}
    for trade in islice(market.trades(0.0, 1.0), 10_000):
        groups[trade.userid].append(market.group_of(trade.instrid))
    n_at_home = sum(max(map(of_user.count, set(of_user))) for of_user in groups.values())
    assert 0.88 < n_at_home / 10_000 < 0.93


def test_trades_stand_at_even_distances() -> None:
    assert [trade.timestamp for trade in islice(Market(2, seed=1).trades(100.0, 2.5), 3)] == [
        100.0,
        102.5,
        105.0,
    ]


def test_the_market_clock_runs_fifty_times_as_fast_from_where_it_opens() -> None:
    ours = iter([1000.0, 1000.0, 1002.0])
    clock = MarketClock(5000.0, lambda: next(ours))
    assert (clock(), clock()) == (5000.0, 5100.0)
