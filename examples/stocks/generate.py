"""A seeded market: who traded which instrument at which price, with groups to be found again."""

from collections.abc import Callable, Iterator
from string import ascii_uppercase
from typing import NamedTuple

import numpy as np

USERS = tuple(ascii_uppercase)

SPEED = 50.0
"""Seconds of the market in one of ours."""

_FIRST_PRICE, _LOWEST_PRICE = 10.0, 1.0

_STEP_STD = 0.2
"""Of a price from one trade to the next."""

_MAX_GROUPS = 20
"""So that each group has a user at least."""

_SMALLEST_GROUP = 5

_STRAY_SHARE = 0.1
"""Of a user's trades, in any instrument at all."""


class Trade(NamedTuple):
    """One user, one instrument, one price; `timestamp` is market time, in Unix seconds."""

    userid: str
    instrid: str
    price: float
    timestamp: float


class MarketClock:
    """Tells market time, which runs `SPEED` times as fast as ours.

    Parameters
    ----------
    opens_at
        The market's time now.
    clock
        Gives our time, in seconds.
    """

    def __init__(self, opens_at: float, clock: Callable[[], float]) -> None:
        self._opens_at = opens_at
        self._clock = clock
        self._started = clock()

    def __call__(self) -> float:
        """Return the market's time, in Unix seconds."""
        return self._opens_at + SPEED * (self._clock() - self._started)


class Market:
    """Instruments "1" to "N" and the users A to Z, both in groups: users trade mostly within their own.

    Equal sizes and seeds give equal trades. Nothing but who trades what tells of the groups: prices are
    random walks, each on its own.

    Parameters
    ----------
    n_instruments
        N, at least 1.
    """

    def __init__(self, n_instruments: int, seed: int) -> None:
        self.instruments = tuple(str(number) for number in range(1, n_instruments + 1))
        n_groups = min(_MAX_GROUPS, max(1, n_instruments // _SMALLEST_GROUP))
        self._groups = [self.instruments[group::n_groups] for group in range(n_groups)]
        self._chance = np.random.default_rng(seed)
        self._prices = dict.fromkeys(self.instruments, _FIRST_PRICE)

    def group_of(self, instrid: str) -> tuple[str, ...]:
        """Return the instruments of this one's group, itself among them."""
        return self._groups[(int(instrid) - 1) % len(self._groups)]

    def trades(self, first_at: float, interval_s: float) -> Iterator[Trade]:
        """Yield trades without end, one every `interval_s` from `first_at` on (market time)."""
        timestamp = first_at
        while True:
            user = int(self._chance.integers(len(USERS)))
            is_stray = self._chance.random() < _STRAY_SHARE
            choices = self.instruments if is_stray else self._groups[user % len(self._groups)]
            instrid = choices[int(self._chance.integers(len(choices)))]
            yield Trade(USERS[user], instrid, self._next_price(instrid), timestamp)
            timestamp += interval_s

    def _next_price(self, instrid: str) -> float:
        price = self._prices[instrid] + self._chance.normal(0.0, _STEP_STD)
        self._prices[instrid] = max(_LOWEST_PRICE, round(price, 2))
        return self._prices[instrid]
