"""Items that people choose who have attributes in common with this user."""

from collections.abc import Sequence

import numpy as np

from streamrec.domain.popularity.ranked_item import RankedNumbers
from streamrec.domain.ranking.candidates import Proposal
from streamrec.domain.sources.findings import Findings
from streamrec.domain.sources.source import NOTHING, Label, Need, Source, best_wanted

WINDOW = "cohorts"
"""Beside those of popularity, in the names of rankings: a cohort's is named as a category's is."""


def ranking_of(token: int) -> str:
    """Return the name of a cohort's ranking."""
    return f"{WINDOW}:{token}"


def propose(found: Findings, n: int) -> Proposal:
    """Return the best by their mean share of the choices of each of the user's cohorts."""
    if not found.context.cohorts:
        return NOTHING
    rankings = [
        found.rankings[name] for name in map(ranking_of, found.context.cohorts) if name in found.rankings
    ]
    filled = [ranked for ranked in rankings if len(ranked.numbers)]
    return best_wanted(found, _mean(filled), n) if filled else NOTHING


def _mean(rankings: Sequence[RankedNumbers]) -> RankedNumbers:
    """Return all items in the order in which they first come, each with its mean share."""
    numbers = np.concatenate([ranked.numbers for ranked in rankings])
    shares = np.concatenate([ranked.scores for ranked in rankings])
    distinct, firsts, places = np.unique(numbers, return_index=True, return_inverse=True)
    means = np.bincount(places, shares, len(distinct)) / len(rankings)
    order = np.argsort(firsts)
    return RankedNumbers(distinct[order], means[order])


COHORTS = Source(
    name="cohorts",
    needs=(Need("rankings", WINDOW),),
    propose=propose,
    label=Label("cohorts", "is what people with attributes like yours choose", is_by_items=False),
    is_extra=True,
)
