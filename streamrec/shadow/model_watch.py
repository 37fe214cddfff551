"""Watch over the model: one that gets worse says so by itself, whatever made it so."""

from collections.abc import Collection, Mapping

import structlog

from streamrec.shadow.decline import Decline
from streamrec.shadow.past_models import CHECKPOINT, DAY
from streamrec.shadow.worsening import LITTLE_EVIDENCE, Evidence, Worsening

POPULARITY = "popularity"

USUAL = "usual"
"""Hits of the model itself on the events before."""

_KEPT_LEAD = 0.7
"""Of the factor by which the model used to hit more often than popularity does."""

_MENDS = {
    POPULARITY: "look at the learning settings and at what the stream holds; to start over, run"
    " initial_training.py",
    CHECKPOINT: "look at what the stream has held since; STREAMREC_TRAINER_REVERT_WORSE_MODELS=1 goes back by"
    " itself",
    DAY: "look at what the stream has held since; to start over, run initial_training.py",
    USUAL: "look at what the stream has held since: it is harder to predict, for it was mixed up or it has"
    " changed",
}


class ModelWatch:
    """Compares the model's hits with those of others on the same events, and says when they fall below.

    A model may be dead while lists live on: they take from other sources then.

    Parameters
    ----------
    k
        Length of the lists: a rank below it is a hit.

    >>> watch = ModelWatch(k=10)
    >>> for _ in range(30):
    ...     watch.note("anna", 0, {"popularity": 50, "checkpoint": 0, "day": 0})
    >>> watch.is_alarmed
    False
    """

    def __init__(self, k: int) -> None:
        self._k = k
        self._against = {
            POPULARITY: Worsening(kept_lead=_KEPT_LEAD),
            CHECKPOINT: Worsening(),
            DAY: Worsening(),
        }
        self._decline = Decline()

    @property
    def is_alarmed(self) -> bool:
        """Whether the model is below any of the others.

        To go back does not help one that is below its usual alone: on the same events no other is better.
        """
        return any(worsening.is_worse for worsening in self._against.values())

    @property
    def is_clear(self) -> bool:
        """Whether nothing speaks against the model."""
        return all(of.evidence < LITTLE_EVIDENCE for of in self._comparisons().values())

    def clear(self) -> None:
        """Begin anew, with another model."""
        for comparison in self._comparisons().values():
            comparison.clear()

    def forget(self, user_ids: Collection[str]) -> None:
        """Drop what is kept of users."""
        self._decline.forget(user_ids)

    def note(self, user_id: str, rank: int, others: Mapping[str, int]) -> None:
        """Note the ranks of the item of a user's event, from 0, by the model and by each of the others."""
        before = self._is_worse()
        for name, worsening in self._against.items():
            worsening.note(rank < self._k, others[name] < self._k)
        self._decline.note(user_id, rank < self._k)
        for name, is_worse in self._is_worse().items():
            if is_worse and not before[name]:
                structlog.get_logger().error(f"model_below_{name}", mend=_MENDS[name])
            elif before[name] and not is_worse:
                structlog.get_logger().warning(f"model_above_{name}_again")

    def gauges(self) -> dict[str, float]:
        """Return by metric name whether the model is below each of the others, and below its usual."""
        return {f"model_below_{name}": float(is_worse) for name, is_worse in self._is_worse().items()}

    def _is_worse(self) -> dict[str, bool]:
        return {name: of.is_worse for name, of in self._comparisons().items()}

    def _comparisons(self) -> dict[str, Evidence]:
        return {**self._against, USUAL: self._decline}
