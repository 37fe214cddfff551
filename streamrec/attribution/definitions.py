"""Definitions of experiments, as the store has them."""

from collections.abc import Callable

from streamrec.domain.experiments.definition import Experiment
from streamrec.errors import Unavailable
from streamrec.log_limits import warn_seldom
from streamrec.ports import ExperimentStore, Metrics

_SHORTEST_PAUSE_S = 0.2
"""Between two looks, however many lists are of what is not known."""


class Definitions:
    """All definitions, read again now and then.

    Parameters
    ----------
    interval_s
        From one look to the next.
    """

    def __init__(
        self, store: ExperimentStore, interval_s: float, clock: Callable[[], float], metrics: Metrics
    ) -> None:
        self._store, self._interval_s = store, interval_s
        self._clock, self._metrics = clock, metrics
        self._read_at = -interval_s
        self.known: dict[str, Experiment] = {}

    def refresh_if_due(self, *, is_wanted: bool = False) -> bool:
        """Read the definitions if it is time to, or some are wanted; return whether they were read.

        While the store does not answer, those that are known go on.
        """
        since_s = self._clock() - self._read_at
        if 0 <= since_s < (_SHORTEST_PAUSE_S if is_wanted else self._interval_s):
            return False
        self._read_at = self._clock()
        try:
            found = self._store.read_experiments()
        except Unavailable as error:
            self._metrics.count("definition_failures")
            warn_seldom("definitions_not_read", error=str(error))
            return False
        kept = {id_: self.known[id_] for id_ in found.broken if id_ in self.known}
        self.known = kept | {experiment.id: experiment for experiment in found.experiments}
        return True
