"""Limits of rates: what they let through, and what they cost."""

import sys

from hypothesis import given
from hypothesis import strategies as st

from streamrec.web.rates import RateLimit, network_of


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def n_let_through(limit: RateLimit, client: str, n: int) -> int:
    return sum(limit.wait_s(client) == 0.0 for _ in range(n))


def test_a_burst_goes_through_and_then_the_rate() -> None:
    clock = Clock()
    limit = RateLimit(5.0, 2.0, clock)
    assert n_let_through(limit, "a", 50) == 10
    assert n_let_through(limit, "b", 50) == 10  # each has a limit of its own
    wait_s = limit.wait_s("a")
    assert 0.0 < wait_s <= 0.2 + 1e-9
    clock.now += wait_s
    assert n_let_through(limit, "a", 5) == 1
    clock.now += 1.0
    assert n_let_through(limit, "a", 50) == 5
    clock.now += 1e6  # a long silence allows no more than one burst
    assert n_let_through(limit, "a", 50) == 10


def test_one_request_goes_through_at_any_rate() -> None:
    assert RateLimit(0.01, 0.5).wait_s("a") == 0.0


@given(st.lists(st.floats(0.0, 3.0), max_size=60), st.floats(0.5, 20.0), st.floats(0.1, 5.0))
def test_in_any_time_no_more_go_through_than_burst_and_rate(
    pauses: list[float], rate: float, burst_s: float
) -> None:
    clock = Clock()
    limit = RateLimit(rate, burst_s, clock)
    let_through: list[float] = []
    for pause in pauses:
        clock.now += pause
        if limit.wait_s("a") == 0.0:
            let_through.append(clock.now)
    for first, began in enumerate(let_through):
        for last, ended in enumerate(let_through[first:], first):
            assert last - first + 1 <= max(burst_s * rate, 1.0) + (ended - began) * rate + 1e-3


def test_any_number_of_clients_costs_the_same_memory() -> None:
    limit = RateLimit(1.0, 10.0)
    before = sys.getsizeof(limit._whole_at)
    # Clients share slots by chance, and one of more than ten is full: a few of 100,000 meet such a one.
    assert sum(limit.wait_s(str(number)) > 0 for number in range(100_000)) < 1_000
    assert sys.getsizeof(limit._whole_at) == before < 600_000


def test_a_customer_of_ipv6_is_one_client() -> None:
    assert network_of("2001:db8:1:2:3::4") == network_of("2001:db8:1:2::ffff") != network_of("2001:db8:1:3::")
    assert network_of("no address: at all") == "no address: at all"
