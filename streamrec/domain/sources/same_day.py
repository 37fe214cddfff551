"""Items that many chose on the same day as the item that is looked at.

No part of a blend: what it sees co-visitation sees too, and weighs.
"""

from collections.abc import Mapping

from streamrec.domain.popularity.ranked_item import RankedNumbers
from streamrec.domain.ranking.candidates import Proposal
from streamrec.domain.sources.findings import Findings
from streamrec.domain.sources.source import NEIGHBOURS, Label, Similarity, Source, best_wanted


def propose(found: Findings, n: int) -> Proposal:
    """Return them by their counts."""
    near = found.of_looked_at
    return best_wanted(found, RankedNumbers(near.same_day, near.same_day_counts), n)


def counts(found: Findings) -> Mapping[str, float]:
    """Return how many users and days had both."""
    near = found.of_looked_at
    return dict(zip(found.items.ids_at(near.same_day.tolist()), near.same_day_counts.tolist(), strict=True))


SAME_DAY = Source(
    name="same_day",
    needs=(NEIGHBOURS,),
    propose=propose,
    label=Label("same_day", "was chosen by many on the same day as what you look at"),
    is_blended=False,
    similarity=Similarity("same_day", "by who chose both on one day (UTC)", counts),
)
