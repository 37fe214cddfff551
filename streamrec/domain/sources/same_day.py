"""Items that many chose on the same day as the item that is looked at.

No part of a blend: what it sees co-visitation sees too, and weighs.
"""

from collections.abc import Mapping

from streamrec.domain.ranking.candidates import Proposal
from streamrec.domain.sources.findings import Findings
from streamrec.domain.sources.source import NEIGHBOURS, Label, Similarity, Source, best_wanted


def propose(found: Findings, n: int) -> Proposal[str]:
    """Return them by their counts."""
    return best_wanted(found.context, counts(found), n)


def counts(found: Findings) -> Mapping[str, float]:
    """Return how many users and days had both."""
    near = found.of_looked_at
    return dict(zip(near.same_day_ids, near.same_day_counts, strict=True))


SAME_DAY = Source(
    name="same_day",
    needs=(NEIGHBOURS,),
    propose=propose,
    label=Label("same_day", "was chosen by many on the same day as what you look at"),
    is_blended=False,
    similarity=Similarity("same_day", "by who chose both on one day (UTC)", counts),
)
