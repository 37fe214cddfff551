"""Popularity weighted by recency: the same items for everybody."""

from typing import ClassVar

import msgspec
import numpy as np

from lab.matrices.cells import CellRules
from lab.models.contents import Contents, user_items_contents
from lab.scoring.scoring_model import History, Rows, Scores, ScoringModel
from streamrec.errors import CorruptArtifact, InvalidInput

_DAY_S = 86_400.0


class PopularityOptions(msgspec.Struct, frozen=True):
    """Options of popularity.

    Attributes
    ----------
    half_life_days
        An event so much older than the newest counts half.
    """

    cells: CellRules = CellRules()
    half_life_days: float = 7.0

    def __post_init__(self) -> None:
        """Refuse what can't be."""
        if not self.half_life_days > 0:
            raise InvalidInput(f"half_life_days is {self.half_life_days}; wanted more than 0")


class RecencyPopularity(ScoringModel):
    """Sum of the weights of an item's events, halved for each half-life that one is older than the newest.

    >>> from streamrec.domain.events.interaction import Interaction
    >>> model = RecencyPopularity(PopularityOptions(half_life_days=1.0))
    >>> model.fit([Interaction("u", "old", 0.0), Interaction("v", "new", 86400.0)])
    >>> [(item.id, item.score) for item in model.recommend("v")]
    [('old', 0.5)]
    """

    kind: ClassVar[str] = "popularity"

    def __init__(self, options: PopularityOptions) -> None:
        self._options, self._rules = options, options.cells
        self.fit(())

    def learn(self, history: History) -> None:
        """Learn a history."""
        choices = history.choices
        newest = choices.timestamps.max(initial=0.0)
        ages = (newest - choices.timestamps) / (self._options.half_life_days * _DAY_S)
        worth = choices.weights * np.exp2(-ages)
        counts = np.bincount(choices.item_rows, worth, len(history.matrix.items))
        self.matrix = history.matrix
        # Of what was chosen at all, something is left in float32 however long ago it was.
        smallest = np.finfo(np.float32).tiny
        is_chosen = np.bincount(choices.item_rows, minlength=len(counts)) > 0
        self._counts = np.where(is_chosen, np.maximum(counts, smallest), 0.0).astype(np.float32)

    def scores(self, rows: Rows) -> Scores:
        """Return (B, I) counts."""
        return np.repeat(self._counts[None, :], len(rows), axis=0)

    def contents(self) -> Contents:
        """Return all that a file must hold."""
        own = user_items_contents(self._options, self.matrix)
        return Contents(own.options, own.ids, {**own.arrays, "counts": self._counts[None, :]})

    @classmethod
    def restored(cls, contents: Contents) -> "RecencyPopularity":
        """Return the model that a file holds."""
        model = cls(contents.options_as(PopularityOptions))
        matrix, counts = contents.user_items(), contents.array("counts", 1)
        if counts.shape[1] != len(matrix.items):
            raise CorruptArtifact("counts: wanted one for each item")
        model.matrix, model._counts = matrix, counts[0]
        return model
