"""Columns that describe candidates in their context: each is declared here, and worked out in `scene`."""

from typing import NamedTuple

from streamrec.domain.popularity.recency import N_LAST
from streamrec.domain.ranking import user_columns


class Column(NamedTuple):
    """One number of each candidate.

    Attributes
    ----------
    name
        In checkpoints, in the published blend, and in the documentation.
    words
        What it is; 0 where nothing is known.
    high, low
        What it says when a candidate's amount is above, or below, that of the others: the end of "it ...".
    is_level
        Whether only the amount's share of the highest counts, on a scale of logarithms: 1 for the highest, 0
        from a hundredth of it down.
    """

    name: str
    words: str
    high: str
    low: str
    is_level: bool = False


COLUMNS = (
    Column(
        "near_sitting",
        "sum of the similarities to the last choices, each by what it counts",
        high="is often chosen together with what you chose in this sitting",
        low="is seldom chosen together with what you chose in this sitting",
        is_level=True,
    ),
    Column(
        "votes",
        f"share of the last {N_LAST} choices whose published neighbour it is",
        high="goes with many of your last choices",
        low="goes with few of your last choices",
    ),
    Column(
        "votes_sitting",
        "a fifth of what these choices count together",
        high="goes with many choices of this sitting",
        low="goes with few choices of this sitting",
    ),
    Column(
        "near_newest",
        "similarity to the newest choice",
        high="is often chosen together with your newest choice",
        low="is seldom chosen together with your newest choice",
        is_level=True,
    ),
    Column(
        "near_last_but_one",
        "similarity to the choice before it",
        high="is often chosen together with your last choice but one",
        low="is seldom chosen together with your last choice but one",
        is_level=True,
    ),
    Column(
        "follows_newest",
        "similarity to the newest choice by those who chose it afterwards",
        high="is often chosen after your newest choice",
        low="is seldom chosen after your newest choice",
        is_level=True,
    ),
    Column(
        "categories",
        "mean share of its categories in the last choices, above the lowest of all candidates",
        high="is of categories that you often chose lately",
        low="is of categories that you seldom chose lately",
    ),
    Column(
        "categories_newest",
        "categories in common with the newest choice, of those that either has, above the lowest",
        high="is of the categories of your newest choice",
        low="is of other categories than your newest choice",
    ),
    Column(
        "fit",
        "score by the model, above what lies 9 below the best one's",
        high="fits all that you chose so far",
        low="fits what you chose so far less than others do",
    ),
    Column(
        "fit_share",
        "odds by the model beside the best one's",
        high="fits all that you chose so far nearly as well as anything",
        low="is far from what fits you best",
    ),
    Column(
        "chosen",
        "sixth of the logarithm of how many people ever chose it, among the published 1,000 of the ranking",
        high="is what many people chose",
        low="is what few people chose",
    ),
    Column(
        "chosen_lately",
        "third of the logarithm of how many chose it within the newest 1,000 events, among such 1,000",
        high="is what many people choose now",
        low="is what few people choose now",
    ),
    Column(
        "words",
        "cosine of its words with those of the last choices, rare words counting most",
        high="is described much like what you chose lately",
        low="is described otherwise than what you chose lately",
    ),
    Column(
        "words_newest",
        "cosine of its words with those of the newest choice",
        high="is described much like your newest choice",
        low="is described otherwise than your newest choice",
    ),
)
"""In the order of their weights; a blend that was learned of others starts anew."""

N_COLUMNS = len(COLUMNS)

NAMES = tuple(column.name for column in COLUMNS)


def n_features(n_sources: int) -> int:
    """Return the number of features when there are so many sources."""
    return 2 * n_sources + N_COLUMNS + user_columns.N_COLUMNS


def context_of(n_sources: int) -> slice:
    """Return which features are those in context."""
    return slice(2 * n_sources, 2 * n_sources + N_COLUMNS)
