"""Hybrid: the weighted sum of other models' lists."""

from collections.abc import Sequence
from typing import Any, ClassVar

import msgspec
import numpy as np

from lab.matrices.cells import CellRules
from lab.matrices.similarity import best_of_each
from lab.models.contents import Contents, user_items_contents
from lab.models.parts import PartOptions, described, with_parts
from lab.scoring.scoring_model import History, Rows, Scores, ScoringModel
from lab.scoring.scoring_models import scoring_model
from streamrec.errors import CorruptArtifact, InvalidInput

_LEAST = 0.01
"""Of the last one of a list: as no reason at all, 0 would take it off."""


class Part(msgspec.Struct, frozen=True):
    """A model of a hybrid: its name, each once, its weight beside the others', 0 or more, and itself."""

    name: str
    weight: float
    model: ScoringModel


class _HybridOptions(msgspec.Struct, frozen=True):
    cells: CellRules
    n_candidates: int
    parts: list[PartOptions]


class Hybrid(ScoringModel):
    """The weighted sum of lists, each scaled to [0, 1].

    Of each part, a user's best `n_candidates` count, linearly from 1 for the best to .01 for the last of
    them; what is not on a list has 0 of it (CombSUM; Fox and Shaw 1994, Combination of multiple searches).

    Parameters
    ----------
    parts
        At least one of weight above 0. They may be fitted already, all of them on one history.

    Raises
    ------
    InvalidInput
        When there is no part, a name stands twice, or a weight is not finite or below 0.
    """

    kind: ClassVar[str] = "hybrid"

    def __init__(self, parts: Sequence[Part], cells: CellRules, n_candidates: int = 100) -> None:
        weights = np.array([part.weight for part in parts])
        if not len(parts) or len({part.name for part in parts}) < len(parts):
            raise InvalidInput("a hybrid needs at least one part, and each name once")
        if not (np.isfinite(weights).all() and (weights >= 0).all() and weights.sum() > 0):
            raise InvalidInput(f"weights are {weights.tolist()}; wanted 0 or more, and one above 0")
        if n_candidates < 1:
            raise InvalidInput(f"n_candidates is {n_candidates}; wanted at least 1")
        # What weighs nothing costs time and memory for nothing.
        self._parts = tuple(part for part in parts if part.weight > 0)
        self._rules, self._n_candidates = cells, n_candidates
        self.matrix = self._parts[0].model.matrix

    def learn(self, history: History) -> None:
        """Let all parts learn a history."""
        for part in self._parts:
            part.model.learn(history)
        self.matrix = history.matrix

    def scores(self, rows: Rows) -> Scores:
        """Return (B, I) sums of what the lists say, seen items being candidates as well."""
        return self.offered(rows, exclude_seen=False)

    def offered(self, rows: Rows, *, exclude_seen: bool) -> Scores:
        """Return (B, I) sums of what the lists say; a part's list holds only what is to be offered."""
        total = np.zeros((len(rows), len(self.matrix.items)), np.float32)
        for part in self._parts:
            offered = part.model.offered(rows, exclude_seen=exclude_seen)
            for line, best in enumerate(best_of_each(offered, self._n_candidates)):
                total[line, best.rows] += np.float32(part.weight) * scaled(best.scores)
        return total

    def contents(self) -> Contents:
        """Return all that a file must hold."""
        parts = [part.model.contents() for part in self._parts]
        options = _HybridOptions(self._rules, self._n_candidates, described(self._parts, parts))
        return with_parts(user_items_contents(options, self.matrix), parts, share_matrix=True)

    @classmethod
    def restored(cls, contents: Contents) -> "Hybrid":
        """Return the model that a file holds."""
        options = contents.options_as(_HybridOptions)
        shared = {name: of for name, of in contents.arrays.items() if "/" not in name}
        parts = []
        for number, part in enumerate(options.parts):
            of_part = contents.under(f"{number}/")
            whole = Contents(part.options, contents.ids, {**shared, **of_part.arrays})
            model = scoring_model(part.kind).restored(whole)
            parts.append(Part(part.name, part.weight, model))
        try:
            return cls(parts, options.cells, options.n_candidates)
        except InvalidInput as error:
            raise CorruptArtifact(str(error)) from error


def scaled(scores: np.ndarray[Any, Any]) -> Scores:
    """Return (K,) falling scores of a list, scaled linearly to [.01, 1]; all 1 where they are equal.

    >>> [round(one, 3) for one in scaled(np.array([30.0, 20.0, 10.0])).tolist()]
    [1.0, 0.505, 0.01]
    """
    spread = scores[0] - scores[-1] if len(scores) else 0.0
    if not spread > 0:
        return np.ones(len(scores), np.float32)
    found: Scores = (_LEAST + (1 - _LEAST) * (scores - scores[-1]) / spread).astype(np.float32)
    return found
