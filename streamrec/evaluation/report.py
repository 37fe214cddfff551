"""Report of an evaluation, as figures by name."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.events.interaction import Interaction
from streamrec.domain.ranking.metrics import METRICS, gains
from streamrec.evaluation.contestant import Answers
from streamrec.evaluation.intervals import gini, interval_over_users
from streamrec.evaluation.prequential import Evaluation, chosen_models, run
from streamrec.evaluation.propensity import debiased_mean, n_lately
from streamrec.evaluation.protocol import Protocol
from streamrec.evaluation.segments import n_earlier, segments

Figures = dict[str, Any]
"""Name -> number, or figures again; docs/reference/evaluation.md names them all."""


def evaluate(
    interactions: Iterable[Interaction],
    models: Sequence[str],
    protocol: Protocol,
    on_progress: Callable[[int, int], None] = lambda n_done, n_events: None,
) -> dict[str, Figures]:
    """Measure models on the same questions; every interaction is a positive.

    Parameters
    ----------
    models
        Some of `MODELS`.
    on_progress
        Called with the number of events done, and of all.

    Returns
    -------
    figures
        By model name, see `figures`.

    Raises
    ------
    ConfigurationError
        When a model has a name that is not known.

    >>> stream = [Interaction(str(n % 5), str(n // 5), float(n)) for n in range(50)]
    >>> evaluate(stream, ["popularity"], Protocol(ks=(1,)))["popularity"]["recall_at_1"]
    0.8
    """
    return figures(run(interactions, chosen_models(models), protocol, on_progress))


def figures(evaluation: Evaluation) -> dict[str, Figures]:
    """Return each model's figures.

    Recall, precision, NDCG and MRR at each k over all questions, the mean of the seeds, and how many
    questions these are; then `intervals` (95 %), `debiased` recall, the same by `segments`, `coverage` of the
    catalogue, `time_ms` and what the `seeds` gave one by one. Without questions all are 0.
    """
    is_in_segment = segments(
        evaluation.events,
        evaluation.start,
        evaluation.positions,
        with_repeats=evaluation.protocol.with_repeats,
    )
    return {
        name: _of_model(evaluation, answers, is_in_segment) for name, answers in evaluation.answers.items()
    }


def why_no_question(evaluation: Evaluation) -> str:
    """Return a message that says why a stream holds no question."""
    n_events = len(evaluation.events.user_rows)
    if not n_events:
        return "there are no events"
    if evaluation.start == n_events:
        return "all events are history, see --initial-share"
    if len(np.unique(evaluation.events.user_rows)) == n_events:
        return "every user has one event only, and nobody is asked about at the first one"
    if evaluation.protocol.stride > 1:
        return "those that are left by --stride are first events of users, or of items the user had already"
    return "after the history, users only choose what they had already (see --repeats), or come once"


def metric_names(ks: Sequence[int]) -> list[str]:
    """Return the names of the metrics at each k.

    >>> metric_names([10])
    ['recall_at_10', 'precision_at_10', 'ndcg_at_10', 'mrr_at_10']
    """
    return [f"{metric}_at_{k}" for k in ks for metric in METRICS]


def _of_model(
    evaluation: Evaluation, answers: Sequence[Answers], is_in_segment: dict[str, NDArray[np.bool_]]
) -> Figures:
    ks = evaluation.protocol.ks
    by_seed = {
        f"{metric}_at_{k}": np.stack([gains(metric, one.ranks, k) for one in answers])
        for k in ks
        for metric in METRICS
    }
    values = {name: of_seeds.mean(axis=0) for name, of_seeds in by_seed.items()}
    users = evaluation.events.user_rows[evaluation.positions]
    return {
        **_means(values, users),
        "n_never_seen": int((n_earlier(evaluation.events)[evaluation.positions] == 0).sum()),
        "debiased": _debiased(evaluation, values),
        "segments": {
            name: _means({metric: of_all[is_in] for metric, of_all in values.items()}, users[is_in])
            for name, is_in in is_in_segment.items()
        },
        "coverage": _coverage(answers, min(ks)),
        "time_ms": {
            "predict": _durations([one.predict_s for one in answers]),
            "learn": _durations([one.learn_s for one in answers]),
        },
        "seeds": _spread(evaluation, by_seed, len(answers)),
    }


def _means(values: dict[str, NDArray[np.float64]], users: NDArray[np.int64]) -> Figures:
    n_events = len(users)
    return {
        **{name: float(of_events.mean()) if n_events else 0.0 for name, of_events in values.items()},
        "n_events": n_events,
        "n_users": len(np.unique(users)),
        "intervals": {
            name: list(interval_over_users(of_events, users)) for name, of_events in values.items()
        },
    }


def _debiased(evaluation: Evaluation, values: dict[str, NDArray[np.float64]]) -> Figures:
    """Return recall as if everything were equally in fashion, of targets that somebody chose before."""
    events, positions = evaluation.events, evaluation.positions
    could_be_found = n_earlier(events)[positions] > 0
    propensities = (1 + n_lately(events)[positions][could_be_found]).astype(np.float64)
    names = [f"recall_at_{k}" for k in evaluation.protocol.ks]
    return {name: debiased_mean(values[name][could_be_found], propensities) for name in names}


def _coverage(answers: Sequence[Answers], k: int) -> Figures:
    """Return how much of the catalogue stood in lists, and how unevenly: means of the seeds."""
    return {
        "k": k,
        "n_items": len(answers[0].n_shown),
        "share": float(np.mean([np.count_nonzero(one.n_shown) for one in answers]))
        / max(1, len(answers[0].n_shown)),
        "gini": float(np.mean([gini(one.n_shown) for one in answers])),
    }


def _durations(seconds: Sequence[NDArray[np.float64]]) -> Figures:
    in_ms = 1000 * np.concatenate(seconds)
    if not len(in_ms):
        return {"mean": 0.0, "p99": 0.0}
    return {"mean": float(in_ms.mean()), "p99": float(np.quantile(in_ms, 0.99))}


def _spread(evaluation: Evaluation, by_seed: dict[str, NDArray[np.float64]], n: int) -> Figures:
    """Return what each seed gave, and the standard deviation between them; 0 of a single one."""
    first = evaluation.protocol.learning.seed
    if not len(evaluation.positions):
        by_seed = {name: np.zeros((n, 1)) for name in by_seed}
    means = {name: of_seeds.mean(axis=1) for name, of_seeds in by_seed.items()}
    return {
        "n": n,
        "first": first,
        **{
            name: {"values": of_seeds.tolist(), "std": float(of_seeds.std(ddof=1)) if n > 1 else 0.0}
            for name, of_seeds in means.items()
        },
    }
