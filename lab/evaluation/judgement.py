"""Judgement of several models' lists on the same users."""

from collections.abc import Mapping
from itertools import combinations

import msgspec
import numpy as np

from lab.evaluation import beyond_accuracy
from lab.evaluation.accuracy import ACCURACY, Rows, Values, hits_of
from lab.evaluation.bootstrap import estimate, means_of_resamples
from lab.evaluation.truth import Truth
from streamrec.errors import InvalidInput
from streamrec.experiments.statistics.bootstrap import difference_of
from streamrec.experiments.statistics.multiplicity import holm

SEGMENTS = ("new", "light", "heavy")


class Interval(msgspec.Struct, frozen=True):
    """A mean over users and its interval."""

    mean: float
    low: float
    high: float


class Judged(msgspec.Struct, frozen=True):
    """Judgement of one model.

    Attributes
    ----------
    metrics
        ``<name>_at_<k>`` -> mean over users and interval.
    segments
        Segment -> metric -> the same over its users; segments without users are left out.
    catalog_coverage, personalization
        k -> value of all lists together, which has no mean over users.
    n_without_list
        Users of whom the model knew nothing, and who got what is popular.
    """

    metrics: dict[str, Interval]
    segments: dict[str, dict[str, Interval]]
    catalog_coverage: dict[str, float]
    personalization: dict[str, float]
    n_without_list: int


class Comparison(msgspec.Struct, frozen=True):
    """Difference of two models by one metric on the same users: by how much `model` exceeds `other`.

    Attributes
    ----------
    p_value
        Of the paired bootstrap, after Holm's correction over all pairs.
    """

    model: str
    other: str
    metric: str
    difference: float
    low: float
    high: float
    p_value: float


class Judgement(msgspec.Struct, frozen=True):
    """Judgement of all models; `n_in_segment` counts the users that are judged by."""

    n_users: int
    n_in_segment: dict[str, int]
    models: dict[str, Judged]
    comparisons: list[Comparison]


class Bounds(msgspec.Struct, frozen=True):
    """Parameters of a judgement.

    Attributes
    ----------
    ks
        Lengths of lists.
    light, heavy
        Users with fewer choices in the history than `light` are new, than `heavy` light, the others heavy.
    """

    ks: tuple[int, ...] = (10, 20)
    light: int = 3
    heavy: int = 20
    n_resamples: int = 1000
    alpha: float = 0.05
    seed: int = 42


def judge(
    truth: Truth, lists: Mapping[str, Rows], n_without_list: Mapping[str, int], bounds: Bounds
) -> Judgement:
    """Judge models by the lists that they gave to all users of the truth.

    Parameters
    ----------
    lists
        Name of each model -> (U, K) items, -1 behind the end of a list, K being at least the longest k.

    Raises
    ------
    InvalidInput
        When lists are shorter than the longest k.
    """
    for name, columns in lists.items():
        if columns.shape != (truth.users.n_rows, columns.shape[1]) or columns.shape[1] < max(bounds.ks):
            raise InvalidInput(
                f"the lists of {name} are {columns.shape[1]} long; metrics at {max(bounds.ks)} need"
                " recommendations.k to be at least as much"
            )
    values = {name: metrics_of(truth, columns, bounds.ks) for name, columns in lists.items()}
    in_segment = segments_of(truth.n_choices, bounds)
    means = {name: _resampled(of, bounds) for name, of in values.items()}
    models = {
        name: Judged(
            _estimates(values[name], means[name], bounds),
            {
                segment: _of_segment(values[name], is_in, bounds)
                for segment, is_in in in_segment.items()
                if is_in.any()
            },
            *_of_all_lists(truth, lists[name], bounds.ks),
            n_without_list[name],
        )
        for name in lists
    }
    n_in_segment = {segment: int(is_in.sum()) for segment, is_in in in_segment.items()}
    return Judgement(truth.users.n_rows, n_in_segment, models, _comparisons(values, means, bounds))


def metrics_of(truth: Truth, columns: Rows, ks: tuple[int, ...]) -> dict[str, Values]:
    """Return (U,) values of each metric that has one for each user, by name."""
    hits = hits_of(columns, truth.relevant)
    n_relevant = np.diff(truth.relevant.indptr)
    found: dict[str, Values] = {}
    for k in ks:
        shown = columns[:, :k]
        found |= {f"{name}_at_{k}": metric(hits, n_relevant, k) for name, metric in ACCURACY.items()}
        found[f"category_diversity_at_{k}"] = beyond_accuracy.category_diversity(shown, truth.main_category)
        found[f"intra_list_similarity_at_{k}"] = beyond_accuracy.intra_list_similarity(
            shown, truth.categories
        )
        found[f"mean_inv_user_freq_at_{k}"] = beyond_accuracy.mean_inv_user_freq(
            shown, truth.n_users_of, truth.n_history_users
        )
        found[f"avg_rec_popularity_at_{k}"] = beyond_accuracy.avg_rec_popularity(shown, truth.n_events_of)
    return found


def segments_of(n_choices: Rows, bounds: Bounds) -> dict[str, np.ndarray[tuple[int], np.dtype[np.bool_]]]:
    """Return (U,) who belongs to which segment, by its name."""
    is_new, is_heavy = n_choices < bounds.light, n_choices >= bounds.heavy
    return dict(zip(SEGMENTS, (is_new, ~is_new & ~is_heavy, is_heavy), strict=True))


def _resampled(values: dict[str, Values], bounds: Bounds) -> Values:
    return means_of_resamples(np.stack(list(values.values()), axis=1), bounds.n_resamples, bounds.seed)


def _estimates(values: dict[str, Values], means: Values, bounds: Bounds) -> dict[str, Interval]:
    return {
        name: Interval(*estimate(of, means[:, number], bounds.alpha))
        for number, (name, of) in enumerate(values.items())
        if not np.isnan(of).all()
    }


def _of_segment(
    values: dict[str, Values], is_in: np.ndarray[tuple[int], np.dtype[np.bool_]], bounds: Bounds
) -> dict[str, Interval]:
    inside = {name: of[is_in] for name, of in values.items()}
    return _estimates(inside, _resampled(inside, bounds), bounds)


def _of_all_lists(
    truth: Truth, columns: Rows, ks: tuple[int, ...]
) -> tuple[dict[str, float], dict[str, float]]:
    coverage = {str(k): beyond_accuracy.catalog_coverage(columns[:, :k], truth.items.n_rows) for k in ks}
    return coverage, {str(k): beyond_accuracy.personalization(columns[:, :k]) for k in ks}


def _comparisons(
    values: dict[str, dict[str, Values]], means: dict[str, Values], bounds: Bounds
) -> list[Comparison]:
    """Compare all pairs by NDCG at the shortest k, the better one first."""
    metric = f"ndcg_at_{min(bounds.ks)}"
    found = []
    for one, other in combinations(sorted(values, key=lambda name: -values[name][metric].mean()), 2):
        number = list(values[one]).index(metric)
        mean = float(np.mean(values[one][metric] - values[other][metric]))
        of_resamples = means[one][:, number] - means[other][:, number]
        found.append((one, other, difference_of(mean, of_resamples, bounds.alpha)))
    p_values = holm([difference.p_value for _, _, difference in found])
    return [
        Comparison(one, other, metric, difference.mean, *difference.interval, float(p_value))
        for (one, other, difference), p_value in zip(found, p_values, strict=True)
    ]
