"""Columns that describe candidates in their context: each is declared once, here."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from streamrec.domain.popularity.recency import N_LAST
from streamrec.domain.ranking.levels import share_levels
from streamrec.domain.ranking.scene import Array, Scene

_DEEPEST = np.float32(9.0)
"""Logits this far below the best one are all the same: odds of a ten thousandth."""

_FIFTH = np.float32(0.2)

_ALIKE = np.full(N_LAST, 1 / N_LAST, np.float32)


def _above_least(amounts: Array) -> Array:
    """Return (N,) amounts that are 0 where all are the same, as in a catalogue of one category."""
    above: Array = amounts - amounts.min(initial=1.0)
    return above


class Column(NamedTuple):
    """One number of each candidate.

    Attributes
    ----------
    name
        In checkpoints, in the published blend, and in the documentation.
    of
        Returns the (N,) amounts of a scene; 0 where nothing is known.
    words
        What it is.
    high, low
        What it says when a candidate's amount is above, or below, that of the others: the end of "it ...".
    is_level
        Whether only the amount's share of the highest counts, on a scale of logarithms: 1 for the highest, 0
        from a hundredth of it down.
    """

    name: str
    of: Callable[[Scene], Array]
    words: str
    high: str
    low: str
    is_level: bool = False


COLUMNS = (
    Column(
        "near_sitting",
        lambda scene: scene.worth @ scene.similar,
        "sum of the similarities to the last choices, each by what it counts",
        high="is often chosen together with what you chose in this sitting",
        low="is seldom chosen together with what you chose in this sitting",
        is_level=True,
    ),
    Column(
        "votes",
        lambda scene: _ALIKE @ scene.is_near,
        f"share of the last {N_LAST} choices whose published neighbour it is",
        high="goes with many of your last choices",
        low="goes with few of your last choices",
    ),
    Column(
        "votes_sitting",
        lambda scene: scene.worth @ scene.is_near * _FIFTH,
        "a fifth of what these choices count together",
        high="goes with many choices of this sitting",
        low="goes with few choices of this sitting",
    ),
    Column(
        "near_newest",
        lambda scene: scene.similar[0],
        "similarity to the newest choice",
        high="is often chosen together with your newest choice",
        low="is seldom chosen together with your newest choice",
        is_level=True,
    ),
    Column(
        "near_last_but_one",
        lambda scene: scene.similar[1],
        "similarity to the choice before it",
        high="is often chosen together with your last choice but one",
        low="is seldom chosen together with your last choice but one",
        is_level=True,
    ),
    Column(
        "follows_newest",
        lambda scene: scene.follows,
        "similarity to the newest choice by those who chose it afterwards",
        high="is often chosen after your newest choice",
        low="is seldom chosen after your newest choice",
        is_level=True,
    ),
    Column(
        "categories",
        lambda scene: _above_least(scene.categories.share),
        "mean share of its categories in the last choices, above the lowest of all candidates",
        high="is of categories that you often chose lately",
        low="is of categories that you seldom chose lately",
    ),
    Column(
        "categories_newest",
        lambda scene: _above_least(scene.categories.overlap),
        "categories in common with the newest choice, of those that either has, above the lowest",
        high="is of the categories of your newest choice",
        low="is of other categories than your newest choice",
    ),
    Column(
        "fit",
        lambda scene: np.maximum(_DEEPEST - scene.below_best, 0) / 3,
        "score by the model, above what lies 9 below the best one's",
        high="fits all that you chose so far",
        low="fits what you chose so far less than others do",
    ),
    Column(
        "fit_share",
        lambda scene: np.exp(-scene.below_best),
        "odds by the model beside the best one's",
        high="fits all that you chose so far nearly as well as anything",
        low="is far from what fits you best",
    ),
)
"""In the order of their weights; a blend that was learned of others starts anew."""

N_COLUMNS = len(COLUMNS)

NAMES = tuple(column.name for column in COLUMNS)

_LEVELS = np.flatnonzero([column.is_level for column in COLUMNS])


def described(scene: Scene) -> Array:
    """Return the (K, N) columns of a scene."""
    amounts = np.empty((N_COLUMNS, len(scene.follows)), np.float32)
    for column, row in zip(COLUMNS, amounts, strict=True):
        row[:] = column.of(scene)
    of_levels = amounts[_LEVELS]
    amounts[_LEVELS] = share_levels(of_levels, of_levels.max(axis=1, initial=0.0, keepdims=True))
    return amounts
