"""Watch over the model: one that gets worse says so by itself, whatever made it so."""

from collections.abc import Mapping

import structlog

from streamrec.shadow.past_models import CHECKPOINT, DAY
from streamrec.shadow.worsening import LITTLE_EVIDENCE, Worsening

POPULARITY = "popularity"

_KEPT_LEAD = 0.7
"""Of the factor by which the model used to hit more often than popularity does."""

_MENDS = {
    POPULARITY: "look at the learning settings and at what the stream holds; to start over, run"
    " initial_training.py",
    CHECKPOINT: "look at what the stream has held since; STREAMREC_TRAINER_REVERT_WORSE_MODELS=1 goes back by"
    " itself",
    DAY: "look at what the stream has held since; to start over, run initial_training.py",
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
    ...     watch.note(0, {"popularity": 50, "checkpoint": 0, "day": 0})
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

    @property
    def is_alarmed(self) -> bool:
        """Whether the model is below any of the others."""
        return any(worsening.is_worse for worsening in self._against.values())

    @property
    def is_clear(self) -> bool:
        """Whether nothing speaks against the model."""
        return all(worsening.evidence < LITTLE_EVIDENCE for worsening in self._against.values())

    def clear(self) -> None:
        """Begin anew, with another model."""
        for worsening in self._against.values():
            worsening.clear()

    def note(self, rank: int, others: Mapping[str, int]) -> None:
        """Note the ranks of one event's item, from 0, by the model and by each of the others."""
        for name, worsening in self._against.items():
            was_worse = worsening.is_worse
            worsening.note(rank < self._k, others[name] < self._k)
            if worsening.is_worse and not was_worse:
                structlog.get_logger().error(f"model_below_{name}", mend=_MENDS[name])
            elif was_worse and not worsening.is_worse:
                structlog.get_logger().warning(f"model_above_{name}_again")

    def gauges(self) -> dict[str, float]:
        """Return by metric name whether the model is below each of the others."""
        return {f"model_below_{name}": float(of.is_worse) for name, of in self._against.items()}
