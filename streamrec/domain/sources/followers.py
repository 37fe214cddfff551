"""Items that others chose after what this user chose lately."""

from streamrec.domain.popularity.ranked_item import RankedNumbers
from streamrec.domain.ranking.candidates import Proposal
from streamrec.domain.similarity.neighbour import FOLLOWS
from streamrec.domain.sources.findings import Findings
from streamrec.domain.sources.source import NEIGHBOURS, Label, Source, best_wanted


def propose(found: Findings, n: int) -> Proposal:
    """Return what the followers of the last items add up to."""
    return best_wanted(found, RankedNumbers(found.visits.numbers, found.visits.after), n)


FOLLOWERS = Source(
    name="followers",
    needs=(NEIGHBOURS,),
    propose=propose,
    label=Label("followers", "was chosen by others after what you chose lately"),
    sums=FOLLOWS,
)
