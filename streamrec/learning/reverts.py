"""Count of a trainer's returns to its last checkpoint after its model was damaged."""

import structlog

from streamrec.errors import UnsoundModel
from streamrec.ports import Metrics

_MOST_IN_A_ROW = 5
"""Without a sound checkpoint in between: what is wrong does not go away then, and a person must look."""

_LEAST_PACE = 1 / 32


class Reverts:
    """The reverts of one process.

    A model that was damaged learns on in smaller steps: half as long after each time.

    Attributes
    ----------
    n
        How often in all.

    >>> reverts = Reverts()
    >>> reverts.pace
    1.0
    """

    def __init__(self) -> None:
        self.n = 0
        self._n_in_a_row = 0

    @property
    def pace(self) -> float:
        """Factor that events are weighted with."""
        return max(_LEAST_PACE, 0.5**self.n)

    def note(self, error: UnsoundModel, metrics: Metrics) -> None:
        """Count and say one.

        Raises
        ------
        UnsoundModel
            When there were too many in a row.
        """
        self.n += 1
        self._n_in_a_row += 1
        metrics.count("model_reverts")
        structlog.get_logger().error(
            "model_reverted", error=str(error), n_in_a_row=self._n_in_a_row, pace=self.pace
        )
        if self._n_in_a_row >= _MOST_IN_A_ROW:
            raise UnsoundModel(
                f"{error}; so it was {self._n_in_a_row} times in a row since the last sound checkpoint:"
                " look for learning settings that are out of the way, and for faulty memory; to start over,"
                " run initial_training.py"
            ) from error

    def settle(self) -> None:
        """Note that a checkpoint was written: its model was sound."""
        self._n_in_a_row = 0
