"""Pages of an answer: what the next one shows is decided when it is asked for."""

from collections.abc import Callable, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from streamrec.domain.ranking.cursor import Shown
from streamrec.domain.ranking.recommendation import RecommendationRequest, RecommendedItem

_encode = msgspec.json.Encoder(order="deterministic").encode


class Page:
    """One page: what was shown before it, and how long it may be.

    Attributes
    ----------
    k
        Items wanted of this page; fewer than asked for where the reader has seen nearly all that one may.
    shown
        What the pages before it have shown.
    only_ids
        The items that it is chosen from; empty: all.
    like_order
        Of what is like the item that is looked at.
    """

    def __init__(self, request: RecommendationRequest, feed: str = "") -> None:
        """Read where the request's reader stands, in a feed or in a list of their own.

        Raises
        ------
        InvalidInput
            When its cursor is not one that goes on with this question.
        """
        question = feed + question_of(request)
        self.shown = (
            Shown.nothing(question) if request.cursor is None else Shown.read(request.cursor, question)
        )
        self.k = min(request.k, self.shown.n_left)
        self.only_ids = request.only_ids
        self.like_order = request.like_order
        self._min_score = request.min_score

    @property
    def n_shown(self) -> int:
        """Items on the pages before."""
        return len(self.shown.hashes)

    @property
    def is_choosy(self) -> bool:
        """True when the request says itself which items are good enough."""
        return bool(self.only_ids) or self._min_score is not None

    def good(self, items: list[RecommendedItem]) -> list[RecommendedItem]:
        """Return the items whose score is one that the request takes."""
        least = self._min_score
        return items if least is None else [item for item in items if item.score >= least]

    def order(self, ids_at: Callable[[list[int]], list[str]], scores: NDArray[np.floating]) -> list[int]:
        """Return the positions of those of N candidates that this page may show, best first.

        Parameters
        ----------
        ids_at
            Returns the ids at some positions.
        scores
            (N,) higher is better.
        """
        order: list[int] = (-scores).argsort(kind="stable").tolist()
        if self._min_score is not None:
            order = [position for position in order if scores[position] >= self._min_score]
        if not self.n_shown:
            return order
        ids = ids_at(order)
        unshown = set(self.shown.without(ids))
        return [position for position, id_ in zip(order, ids, strict=True) if id_ in unshown]

    def next_cursor(self, items: Sequence[RecommendedItem], *, is_degraded: bool) -> str | None:
        """Return what leads on from these items; None when there is nothing more.

        A short page is the last one, unless a part that did not answer is why it is short.
        """
        shown = self.shown.after([item.item_id for item in items])
        is_last = len(items) < self.k and not is_degraded
        return None if is_last or not shown.n_left else shown.cursor()


def question_of(request: RecommendationRequest) -> str:
    """Return who asks for what as text: the same for every page, however its parameters are ordered.

    >>> question_of(RecommendationRequest(10, user_id="u")) == question_of(RecommendationRequest(20, "u"))
    True
    """
    asked = msgspec.structs.replace(request, k=1, cursor=None, explain=False)
    return _encode(asked).decode()
