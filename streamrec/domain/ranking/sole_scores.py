"""Ranking by one source alone, whose own scores stand where the blend has probabilities."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.ranking.candidates import Candidates


class SoleScores:
    """Ranks by the only source that proposed anything."""

    def probabilities(self, candidates: Candidates) -> NDArray[np.floating]:
        """Return (N,) the source's scores."""
        if not candidates.proposals:
            return np.zeros(0)
        (proposal,) = candidates.proposals.values()
        return proposal.scores

    def main_sources(self, candidates: Candidates, positions: Sequence[int]) -> list[str]:
        """Return the source, (M,) times."""
        return list(candidates.proposals) * len(positions)
