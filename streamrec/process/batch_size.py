"""Number of records that a round of the loop takes in at once."""

from collections.abc import Callable

_FEWEST = 128
"""Enough to share what a round does once, whatever it takes in."""

_FIRST = 32
"""Of a time in which each record may be the first to touch something."""


class BatchSize:
    """As many records as are taken in within a round's time, at most twice as many as in the round before.

    Time is that of the processor: a machine that others keep busy makes rounds longer, and smaller ones would
    only make it busier.

    Parameters
    ----------
    most
        Records at most, and at first.
    round_s
        Seconds that a round's records may take.
    clock
        Processor seconds.

    >>> clock = iter([0.0, 0.4, 1.0, 1.01])
    >>> size = BatchSize(1000, round_s=0.1, clock=lambda: next(clock))
    >>> size.began()
    >>> size.ended(1000)
    >>> size.n
    250
    >>> size.began()
    >>> size.ended(250)
    >>> size.n
    500
    """

    def __init__(self, most: int, round_s: float, clock: Callable[[], float]) -> None:
        self._most, self._fewest = most, min(most, _FEWEST)
        self._round_s, self._clock = round_s, clock
        self._began_at = 0.0
        self.n = most

    def began(self) -> None:
        """Note that a round's records are there."""
        self._began_at = self._clock()

    def ended(self, n_records: int) -> None:
        """Note that so many records, at least one, were taken in since."""
        took_s = max(self._clock() - self._began_at, 1e-6)
        n_in_time = int(n_records * self._round_s / took_s)
        self.n = max(self._fewest, min(self._most, 2 * self.n, n_in_time))

    def begin_small(self) -> None:
        """Take in few at first: what comes next takes longer than what came before."""
        self.n = min(self._most, _FIRST)
