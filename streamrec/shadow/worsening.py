"""Sequential test of whether one list has come to be worse than another on the same events."""

import math

import numpy as np

LEAST_EVIDENCE = 1e6
"""At which a list is called worse."""

LITTLE_EVIDENCE = 10.0
"""Up to which nothing speaks against a list: chance alone often makes as much."""

_STAKES = 2.0 ** -np.arange(1, 7)
"""Shares of the evidence that are staked on an event: small ones find small differences."""

_MOST = math.log(10 * LEAST_EVIDENCE)
"""More would only delay that a list which is good again is called so."""


class Evidence:
    """Worth of 1 after bets on one event after the other, each with several stakes; never below 1.

    Attributes
    ----------
    is_worse
        Whether it has come to `LEAST_EVIDENCE`, and has not gone since.
    """

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Begin anew: what was found so far speaks no more."""
        self._logs = np.zeros(len(_STAKES))
        self.is_worse = False

    @property
    def evidence(self) -> float:
        """Mean over the stakes of what 1 became; at least 1."""
        return float(np.exp(self._logs).mean())

    def bet(self, gain: float) -> None:
        """Multiply by 1 and the stake's share of a gain, which is above -1."""
        self._logs = np.clip(self._logs + np.log1p(_STAKES * gain), 0.0, _MOST)
        evidence = self.evidence
        self.is_worse = evidence >= LEAST_EVIDENCE or (self.is_worse and evidence > LITTLE_EVIDENCE)


class Worsening(Evidence):
    """Bets on each event that a list hits less often than it should, and says when the bets have won.

    Let g be ``least`` where the other list has the event's item, less 1 where this one has it. While this
    list hits at least ``least`` times as often as the other, the mean of g is not above zero whatever came
    before, and nobody wins by betting on it: each stake s multiplies the evidence by ``1 + s g``. Evidence
    never falls below 1, so it may begin at any event, and no window has to be chosen: this is an e-detector
    (Shin, Ramdas and Rinaldo 2022, E-detectors: a nonparametric framework for sequential change detection,
    section 3). The mean number of events before a false alarm is `LEAST_EVIDENCE` or more, on any stream.

    Parameters
    ----------
    least
        Share of the other's hits that this list must have.
    kept_lead
        Share of its lead, by which factor it used to hit more often than the other, that it must keep as
        well; 0: none.

    >>> worsening = Worsening()
    >>> for _ in range(50):
    ...     worsening.note(is_hit=False, is_hit_of_other=True)
    >>> worsening.is_worse
    True
    """

    def __init__(self, least: float = 0.9, kept_lead: float = 0.0) -> None:
        super().__init__()
        self._least = least
        self._kept_lead = kept_lead
        self._lead = _Lead()

    def note(self, is_hit: bool, is_hit_of_other: bool) -> None:
        """Note whether each of two lists has an event's item, before the event is learned."""
        least = max(self._least, self._kept_lead * self._lead.value)
        self._lead.note(is_hit, is_hit_of_other)
        if not is_hit and not is_hit_of_other:
            return
        self.bet(least * is_hit_of_other - is_hit)


class _Lead:
    """Factor by which a list hits more often than another: of the last events, older ones less and less."""

    _MEMORY = 50_000.0
    _MOST = 3.0
    _DOUBT = 30.0
    """Hits of the other that are taken for granted: what few events say is not believed."""

    def __init__(self) -> None:
        self._n = self._n_of_other = 0.0

    @property
    def value(self) -> float:
        return min(self._MOST, self._n / (self._n_of_other + self._DOUBT))

    def note(self, is_hit: bool, is_hit_of_other: bool) -> None:
        kept = 1 - 1 / self._MEMORY
        self._n = kept * self._n + is_hit
        self._n_of_other = kept * self._n_of_other + is_hit_of_other
