"""Declaration of a candidate source: all that anybody else needs to know of it."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from streamrec.domain.popularity.ranked_item import RankedNumbers
from streamrec.domain.ranking.candidates import Proposal
from streamrec.domain.rows.item_numbers import Numbers
from streamrec.domain.sources.findings import Findings
from streamrec.domain.sources.request_context import RequestContext

NOTHING = Proposal(np.zeros(0, np.int64), np.zeros(0))


class Need(NamedTuple):
    """Something to be read before a source can propose.

    Attributes
    ----------
    name
        Of the field of `Findings` that it goes to.
    window
        Of popularity, where it is a ranking.
    """

    name: str
    window: str = ""


NEAREST, NEIGHBOURS = Need("nearest"), Need("neighbours")


class Label(NamedTuple):
    """Name that an answer gives the source of an item.

    Attributes
    ----------
    name
        As answers and metrics have it.
    words
        The same for people: ends the sentence "It is here because it ...".
    is_personal
        Whether it goes by who asks, or by what is looked at.
    """

    name: str
    words: str
    is_personal: bool = True


class Similarity(NamedTuple):
    """Kind of similarity that a source knows by itself.

    Attributes
    ----------
    name
        What is asked for.
    words
        The same for people.
    supports
        How often each item was chosen together with the one that is looked at; None: nobody counts.
    """

    name: str
    words: str
    supports: Callable[[Findings], Mapping[str, float]] | None = None


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """One way to find items for somebody.

    Attributes
    ----------
    name
        Of its column in the blend, in checkpoints too: it never changes.
    needs
        What is read for it.
    propose
        Returns up to `n` items of what was found, best first, none that the context bans; fewer than `n`:
        there are no more.
    label
        What an answer calls it.
    label_without_vector
        The same where nothing is known of the user's vector; None: no other.
    kind
        Variants of one kind share a weight at the start; empty: it is the only one of its kind.
    is_blended
        Whether a blend weighs it; else it is asked alone, for its similarity.
    is_within_categories
        Whether all that it proposes is of the wanted categories, even where no metadata is at hand.
    causes
        Returns how much each of the user's items speaks for a proposed one; None: it goes by none of them.
    similarity
        Kind of similarity that it stands for; None: it is not asked alone.
    """

    name: str
    needs: tuple[Need, ...]
    propose: Callable[[Findings, int], Proposal]
    label: Label
    label_without_vector: Label | None = None
    kind: str = ""
    is_blended: bool = True
    is_within_categories: bool = False
    causes: Callable[[Findings, str], Mapping[str, float]] | None = None
    similarity: Similarity | None = None

    @property
    def labels(self) -> tuple[Label, ...]:
        """All that an answer may call it."""
        return (self.label,) if self.label_without_vector is None else (self.label, self.label_without_vector)

    def label_for(self, context: RequestContext) -> Label:
        """Return what an answer to this request calls it."""
        if self.label_without_vector is not None and context.vector is None:
            return self.label_without_vector
        return self.label


def best_of(numbers: Numbers, scores: NDArray[np.float64], n: int) -> Proposal:
    """Return the `n` best of N items with a score above 0; of equal ones, those that stand first.

    >>> best_of(np.array([7, 8, 9]), np.array([1.0, 0.0, 2.0]), 9).numbers.tolist()
    [9, 7]
    """
    least = np.partition(scores, -n)[-n] if n < len(scores) else 0
    places = np.flatnonzero((scores >= least) & (scores > 0))
    places = places[np.argsort(-scores[places], kind="stable")[:n]]
    return Proposal(numbers[places], scores[places])


def best_wanted(found: Findings, ranked: RankedNumbers, n: int) -> Proposal:
    """Return the `n` best of some items, in any order, without those that are banned."""
    are_wanted = found.are_wanted(ranked.numbers)
    return best_of(ranked.numbers[are_wanted], ranked.scores[are_wanted], n)
