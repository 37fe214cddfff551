"""Ranks of the newest events that a generation predicted before it learned them, in a file beside it.

Whoever wants to take the generation's place is asked the same questions.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from streamrec.domain.events.interaction import Interaction
from streamrec.durable_files import replaced
from streamrec.payload import FILE_DAMAGE
from streamrec.shadow.evaluation_sample import number_of_event

MOST_PREDICTED = 5000
"""Events: recall of .2 among them is known to .006; 60 KB."""

_ROW = np.dtype([("number", "<u8"), ("rank", "<i4")])

_SAVE_INTERVAL_S = 30.0
"""Losing what was noted since costs a comparison some of its events, and nothing else."""


class PredictedEvents:
    """The newest predicted events: their numbers, and the ranks of their items in what was served then.

    An event's number is a digest: nobody's id can be read from it.

    Parameters
    ----------
    path
        The file; one that can't be read counts as empty.
    """

    def __init__(self, path: Path, most: int = MOST_PREDICTED) -> None:
        self._path = path
        self._most = most
        self._ranks = _read(path)
        self._is_saved = True
        self._save_at = 0.0

    def note(self, event: Interaction, rank: int) -> None:
        """Note the rank of an event's item, from 0; `MISS` where it was not in the list."""
        self.note_all({number_of_event(event): rank})

    def note_all(self, ranks: Mapping[int, int]) -> None:
        """Note ranks by the events' numbers, the newest last."""
        for number, rank in ranks.items():
            self._ranks.pop(number, None)
            self._ranks[number] = rank
        while len(self._ranks) > self._most:
            del self._ranks[next(iter(self._ranks))]
        self._is_saved = False

    def ranks(self) -> dict[int, int]:
        """Return the rank of each event by its number, the newest last."""
        return dict(self._ranks)

    def save_if_due(self, now: float) -> None:
        """Write what is new now and then; `now` is in seconds."""
        if not self._is_saved and not self._save_at - _SAVE_INTERVAL_S <= now < self._save_at:
            self._save_at = now + _SAVE_INTERVAL_S
            self.save()

    def save(self) -> None:
        """Write what is new; a disk that is full costs the figures alone."""
        if self._is_saved:
            return
        rows = np.array(list(self._ranks.items()), _ROW)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with replaced(self._path) as file:
                np.save(file, rows, allow_pickle=False)
        except OSError:
            return
        self._is_saved = True


def _read(path: Path) -> dict[int, int]:
    try:
        rows = np.load(path, allow_pickle=False)
        return dict(zip(rows["number"].tolist(), rows["rank"].tolist(), strict=True))
    except FILE_DAMAGE:
        return {}
