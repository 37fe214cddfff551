"""Weights of a hybrid, learned on a validation slice."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from lab.scoring.hybrid import scaled
from lab.scoring.scoring_model import NO_ITEM, Lists, Rows

RIDGE = 0.03
"""Times the squared weights, beside the mean loss of a user: from .003 to .1 it hardly matters."""


class Learned(NamedTuple):
    """Weights by name, which add up to 1, and the NDCG on validation: theirs, and of each part alone."""

    weights: dict[str, float]
    ndcg: float
    of_parts: dict[str, float]


class Candidates(NamedTuple):
    """Proposals of P parts to V users.

    Attributes
    ----------
    scores
        (V, C, P) float32, scaled list by list; 0 where a part does not propose the candidate.
    is_relevant
        (V, C) whether the user chose the candidate afterwards.
    n_relevant
        (V,) how many items each chose, candidates or not.
    """

    scores: NDArray[np.float32]
    is_relevant: NDArray[np.bool_]
    n_relevant: Rows


def learned_weights(
    lists: Mapping[str, Lists], relevant: Sequence[Rows], k: int = 10, ridge: float = RIDGE
) -> Learned:
    """Return the weights, 0 or more, under which what users chose afterwards is the most probable.

    The probability of a candidate is the softmax of its weighted sum over a user's candidates, and what the
    user chose are alike in it (ListNet; Cao, Qin, Liu, Tsai, Li 2007, Learning to rank: from pairwise
    approach to listwise approach, section 4). The loss is convex, so that equal lists give equal weights, and
    it goes by every candidate: NDCG itself, by the first ten alone, tells too little where users are few.
    All weights are equal where nobody chose a candidate.

    Parameters
    ----------
    lists
        Name of each part -> its lists for V users.
    relevant
        (V,) times the distinct items that a user chose afterwards; users without any are left out.
    k
        Of the NDCG that is told.
    """
    names, candidates = list(lists), _candidates(list(lists.values()), relevant)
    weights = _most_probable(candidates, ridge)
    of_parts = [_mean_ndcg(candidates, alone, k) for alone in np.eye(len(names))]
    return Learned(
        dict(zip(names, weights.tolist(), strict=True)),
        _mean_ndcg(candidates, weights, k),
        dict(zip(names, of_parts, strict=True)),
    )


def _most_probable(candidates: Candidates, ridge: float) -> NDArray[np.float64]:
    """Return (P,) weights."""
    n_parts = candidates.scores.shape[2]
    chose = candidates.is_relevant.any(axis=1)
    scores, wanted = candidates.scores[chose], candidates.is_relevant[chose].astype(np.float32)
    if not len(scores):
        return np.full(n_parts, 1 / n_parts)
    wanted /= wanted.sum(axis=1, keepdims=True)
    is_proposed = scores.any(axis=2)

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        sums = np.where(is_proposed, scores @ weights.astype(np.float32), -np.inf)
        sums -= sums.max(axis=1, keepdims=True)
        exponentials = np.exp(sums)
        totals = exponentials.sum(axis=1, keepdims=True)
        logs = np.where(is_proposed, sums, 0) - np.log(totals)
        value = -float((wanted * logs).sum()) / len(scores) + ridge * float(weights @ weights)
        errors = exponentials / totals - wanted
        slopes = np.tensordot(errors, scores, 2).astype(np.float64) / len(scores)
        return value, slopes + 2 * ridge * weights

    begin = np.full(n_parts, 1 / n_parts)
    found = minimize(loss, begin, jac=True, method="L-BFGS-B", bounds=[(0, None)] * n_parts).x
    total = float(found.sum())
    return found / total if total > 0 else begin


def _candidates(lists: Sequence[Lists], relevant: Sequence[Rows]) -> Candidates:
    users = [user for user, items in enumerate(relevant) if len(items)]
    proposed = [
        np.unique(np.concatenate([of.columns[user][of.columns[user] != NO_ITEM] for of in lists]))
        for user in users
    ]
    width = max((len(columns) for columns in proposed), default=0)
    scores = np.zeros((len(users), max(1, width), len(lists)), np.float32)
    is_relevant = np.zeros(scores.shape[:2], bool)
    for line, (user, columns) in enumerate(zip(users, proposed, strict=True)):
        is_relevant[line, : len(columns)] = np.isin(columns, relevant[user])
        for number, of in enumerate(lists):
            own = of.columns[user][of.columns[user] != NO_ITEM]
            scores[line, np.searchsorted(columns, own), number] = scaled(of.scores[user][: len(own)])
    return Candidates(scores, is_relevant, np.array([len(relevant[user]) for user in users], np.int64))


def _mean_ndcg(candidates: Candidates, weights: NDArray[np.float64], k: int) -> float:
    """Return the mean over users; 0 without users."""
    if not len(candidates.n_relevant):
        return 0.0
    totals = candidates.scores @ weights.astype(np.float32)
    k_found = min(k, totals.shape[1])
    best = np.argpartition(-totals, k_found - 1, axis=1)[:, :k_found]
    chosen = np.take_along_axis(totals, best, axis=1)
    order = np.argsort(-chosen, axis=1, kind="stable")
    best = np.take_along_axis(best, order, axis=1)
    hits = np.take_along_axis(candidates.is_relevant, best, axis=1)
    hits &= np.take_along_axis(chosen, order, axis=1) > 0
    discounts = 1 / np.log2(np.arange(2, k + 2))
    ideal = np.cumsum(discounts)[np.minimum(candidates.n_relevant, k) - 1]
    return float(((hits * discounts[:k_found]).sum(axis=1) / ideal).mean())
