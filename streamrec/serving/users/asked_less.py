"""Lists with less of what their user asked for less of."""

from collections.abc import Mapping, Sequence

import msgspec

from streamrec.domain.items.item import tags_in
from streamrec.domain.ranking.recommendation import RecommendedItem
from streamrec.domain.users.less import Label, labels_of


def moved_down(pool: Sequence[RecommendedItem], factors: Mapping[Label, float]) -> list[RecommendedItem]:
    """Return a pool, best first, in which the scores of items that have a label are multiplied.

    Without any factor it is the pool itself. Of several factors the smallest counts, alone: an item is moved
    down, and not banned.

    >>> pool = [RecommendedItem("a", 0.4, "gmf", categories=("war",)), RecommendedItem("b", 0.3, "gmf")]
    >>> [(item.item_id, item.score) for item in moved_down(pool, {("category", "war"): 0.5})]
    [('b', 0.3), ('a', 0.2)]
    """
    if not factors:
        return list(pool)
    moved = []
    for item in pool:
        found = [factors[label] for label in _labels_in(item, factors)]
        moved.append(msgspec.structs.replace(item, score=item.score * min(found)) if found else item)
    return sorted(moved, key=lambda item: -item.score)


def told_of(item: RecommendedItem, factors: Mapping[Label, float]) -> list[str]:
    """Return in words what of an item its user asked for less of.

    >>> told_of(RecommendedItem("a", 0.4, "gmf", categories=("war", "old")), {("category", "war"): 0.5})
    ['you asked for less of the category war']
    """
    return [f"you asked for less of the {kind} {name}" for kind, name in _labels_in(item, factors)]


def _labels_in(item: RecommendedItem, factors: Mapping[Label, float]) -> list[Label]:
    return [label for label in labels_of(item.categories, tags_in(item.attributes)) if label in factors]
