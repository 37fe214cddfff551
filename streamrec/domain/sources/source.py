"""Declaration of a candidate source: all that anybody else needs to know of it."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from streamrec.domain.popularity.ranked_item import RankedNumbers
from streamrec.domain.ranking.candidates import Proposal
from streamrec.domain.rows.compiled import compiled
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
    is_by_items
        Whether it goes by items, such as those that the user chose: it is asked for what is similar to one.
    """

    name: str
    words: str
    is_personal: bool = True
    is_by_items: bool = True


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
    is_extra
        Whether it has something for some users only, such as those with attributes: all others are ranked as
        if there were no such source.
    is_within_categories
        Whether all that it proposes is of the wanted categories, even where no metadata is at hand.
    causes
        Returns how much each of the user's items speaks for a proposed one; None: it goes by none of them, or
        `sums` tells.
    sums
        Column of `Near` of whose sum over the last items it proposes the best; None: it goes by another rule.
    is_fixed
        Returns whether it proposes the same whatever the user chose, though it has `causes`; None: never.
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
    is_extra: bool = False
    is_within_categories: bool = False
    causes: Callable[[Findings, str], Mapping[str, float]] | None = None
    sums: int | None = None
    is_fixed: Callable[[RequestContext], bool] | None = None
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

    def causes_of(self, found: Findings, item_ids: Sequence[str]) -> Sequence[Mapping[str, float]]:
        """Return, of each of some proposed items, how much each of the user's items speaks for it."""
        if self.sums is not None:
            return found.added_by_history(item_ids, self.sums)
        return [{} if self.causes is None else self.causes(found, item_id) for item_id in item_ids]

    def is_proposed_anew(self, context: RequestContext) -> bool:
        """Return whether it may propose others without one of the user's items, by a rule of its own."""
        return self.causes is not None and not (self.is_fixed is not None and self.is_fixed(context))


def best_wanted(found: Findings, ranked: RankedNumbers, n: int) -> Proposal:
    """Return the `n` best of some items with scores above 0, in any order, without those that are banned.

    Of equal ones, those that stand first.
    """
    if not len(ranked.numbers):
        return NOTHING
    return Proposal(*best_of(ranked.numbers, ranked.scores, found.left_out, n))


def first_wanted(found: Findings, ranked: RankedNumbers, n: int) -> Proposal:
    """Return the first `n` of some items without those that are banned."""
    return Proposal(*_first(ranked.numbers, ranked.scores, found.left_out, n))


@compiled
def best_of(
    numbers: Numbers, scores: NDArray[np.float64], left_out: NDArray[np.bool_], n: int
) -> tuple[Numbers, NDArray[np.float64]]:
    """Return what `best_wanted` does, and their scores."""
    size = min(n, len(numbers))
    best, best_scores = np.empty(size, np.int64), np.empty(size)
    n_best, least = 0, 0.0
    for row, number in enumerate(numbers):
        score = scores[row]
        # Most are refused here, so that moving the rest on costs less than sorting them all.
        if score <= least or left_out[number]:
            continue
        position = min(n_best, size - 1)
        while position > 0 and best_scores[position - 1] < score:
            best[position], best_scores[position] = best[position - 1], best_scores[position - 1]
            position -= 1
        best[position], best_scores[position] = number, score
        n_best = min(n_best + 1, size)
        if n_best == size:
            least = best_scores[size - 1]
    return best[:n_best], best_scores[:n_best]


@compiled
def _first(
    numbers: Numbers, scores: NDArray[np.float64], left_out: NDArray[np.bool_], n: int
) -> tuple[Numbers, NDArray[np.float64]]:
    size = min(n, len(numbers))
    first, first_scores = np.empty(size, np.int64), np.empty(size)
    n_first = 0
    for row, number in enumerate(numbers):
        if n_first == size:
            break
        if not left_out[number]:
            first[n_first], first_scores[n_first] = number, scores[row]
            n_first += 1
    return first[:n_first], first_scores[:n_first]
