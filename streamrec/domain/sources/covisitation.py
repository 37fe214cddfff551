"""Items that others chose together with what this user chose lately."""

from collections.abc import Mapping

from streamrec.domain.popularity.ranked_item import RankedNumbers
from streamrec.domain.ranking.candidates import Proposal
from streamrec.domain.similarity.neighbour import SIMILARITY
from streamrec.domain.sources.findings import Findings
from streamrec.domain.sources.source import NEIGHBOURS, Label, Similarity, Source, best_wanted


def propose(found: Findings, n: int) -> Proposal:
    """Return what the neighbours of the last items add up to."""
    return best_wanted(found, RankedNumbers(found.visits.numbers, found.visits.together), n)


def supports(found: Findings) -> Mapping[str, float]:
    """Return the faded count of pairs with the item looked at."""
    near = found.of_looked_at
    return dict(zip(found.items.ids_at(near.numbers.tolist()), near.supports.tolist(), strict=True))


COVISITATION = Source(
    name="covisitation",
    needs=(NEIGHBOURS,),
    propose=propose,
    label=Label("covisitation", "was chosen by others together with what you chose lately"),
    sums=SIMILARITY,
    similarity=Similarity("covisitation", "by who chose both, one soon after another", supports),
)
