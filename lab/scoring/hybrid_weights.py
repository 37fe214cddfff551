"""Weights of a hybrid that are best on a validation slice."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lab.scoring.hybrid import scaled
from lab.scoring.scoring_model import NO_ITEM, Lists, Rows

_STEPS = (0.5, 0.25, 0.1, 0.05)
"""Shares of the weight that go to a single part, or are taken from it, one after the other."""

_LEAST_GAIN = 1e-6
_MAX_ROUNDS = 40

_N_SAMPLES = 12
_MAX_OF_SAMPLE = 500
"""Samples of users, and users of one at most: some seconds each."""


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

    def of(self, users: Rows) -> "Candidates":
        """Return what is proposed to some of the users, each as often as drawn."""
        return Candidates(self.scores[users], self.is_relevant[users], self.n_relevant[users])


def learned_weights(
    lists: Mapping[str, Lists],
    relevant: Sequence[Rows],
    starts: Sequence[Mapping[str, float]] = (),
    k: int = 10,
    seed: int = 0,
) -> Learned:
    """Return weights of a high NDCG at k, on these users never below the best part alone.

    The mean of what is best on each of some samples of the users, with replacement (Breiman 1996, Bagging
    predictors): what is best on all of them fits their chance as well, the more the fewer they are. On a
    sample, weight is moved to and from one part after the other as long as it helps, from the best of the
    parts alone and of `starts` on: the metric has no gradient (Metzler and Croft 2007, Linear feature-based
    models for information retrieval: coordinate ascent).

    Parameters
    ----------
    lists
        Name of each part -> its lists for V users.
    relevant
        (V,) times the distinct items that a user chose afterwards; users without any are left out.
    starts
        Weights by name that are tried as well.
    seed
        Of the samples.
    """
    names, candidates = list(lists), _candidates(list(lists.values()), relevant)
    corners = list(np.eye(len(names)))
    begins = [np.array([start.get(name, 0.0) for name in names]) for start in starts]
    begins = corners + [weights / weights.sum() for weights in begins if weights.sum() > 0]
    n_users, rng = len(candidates.n_relevant), np.random.default_rng(seed)
    found = []
    for _ in range(_N_SAMPLES if n_users else 0):
        drawn = rng.integers(0, n_users, min(n_users, _MAX_OF_SAMPLE))
        found.append(_best_on(candidates.of(drawn), begins, k))
    means = [np.mean(found, axis=0)] if found else []
    alone = [_mean_ndcg(candidates, corner, k) for corner in corners]
    tried = [(_mean_ndcg(candidates, weights, k), weights) for weights in [*means, *begins]]
    # The mean of samples before what chance put ahead of it, unless a part alone does better.
    is_good = bool(means) and tried[0][0] >= max(alone)
    best, weights = tried[0] if is_good else max(tried, key=lambda pair: pair[0])
    return Learned(
        dict(zip(names, weights.tolist(), strict=True)), best, dict(zip(names, alone, strict=True))
    )


def _best_on(candidates: Candidates, begins: Sequence[NDArray[np.float64]], k: int) -> NDArray[np.float64]:
    """Return the weights that coordinate ascent ends at, from the best of the beginnings on."""

    def ndcg_of(weights: NDArray[np.float64]) -> float:
        return _mean_ndcg(candidates, weights, k)

    best, weights = max(((ndcg_of(begin), begin) for begin in begins), key=lambda pair: pair[0])
    for _ in range(_MAX_ROUNDS):
        better = _improved(weights, best, ndcg_of)
        if better is None:
            break
        best, weights = better
    return weights


def _improved(
    weights: NDArray[np.float64], ndcg: float, ndcg_of: Callable[[NDArray[np.float64]], float]
) -> tuple[float, NDArray[np.float64]] | None:
    """Return the best of the weights one step away, or None when none of them helps."""
    best, found = ndcg + _LEAST_GAIN, None
    for part in np.eye(len(weights)):
        for step in _STEPS:
            for moved in (weights + step * (part - weights), np.maximum(weights - step * part, 0.0)):
                total = moved.sum()
                if total > 0 and (value := ndcg_of(moved / total)) > best:
                    best, found = value, moved / total
    return None if found is None else (best, found)


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
