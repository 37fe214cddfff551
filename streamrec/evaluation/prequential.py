"""Measuring models on a stream: split by time, fit the first part, then predict each event and learn it.

The loop itself is `prequential_ranks`; in short, for a model and its events::

    for event in stream:
        if event.user in seen and event.item not in seen[event.user]:
            ranks.append(rank(model.scores(event.user), event.item))
        model.learn(event)
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.id_map import IdMap
from streamrec.domain.interaction import Interaction
from streamrec.domain.popularity import ALL_TIME, Popularity
from streamrec.domain.prequential import Events, PopularityRanker, Ranker, prequential_ranks
from streamrec.domain.ranking_metrics import summary
from streamrec.errors import ConfigurationError
from streamrec.evaluation.streamed import Pace, StreamedGmf
from streamrec.settings import LearningSettings
from streamrec.training.fit import FitOptions, fit_initial
from streamrec.training.gmf_ranker import GmfRanker
from streamrec.training.learner import Learner, use_one_thread

MODELS = ("gmf", "popularity", "decayed_popularity")

_DECAY_HALF_LIFE_EVENTS = 1000.0


@dataclass(frozen=True)
class Protocol:
    """How an evaluation goes about it.

    Attributes
    ----------
    initial_share
        Of the events, the oldest: history that the models are fitted on.
    stride
        Every how many-th event is predicted; all are learned.
    k
        Length of the list that must hold the item.
    pace
        Simulates micro-batches and publishing delays; None learns each event before the next is predicted.
        Only the GMF is delayed: counting has no vectors to publish.
    """

    initial_share: float = 0.1
    stride: int = 1
    k: int = 10
    pace: Pace | None = None
    learning: LearningSettings = field(default_factory=LearningSettings)
    fit: FitOptions = field(default_factory=FitOptions)


def evaluate(
    interactions: Iterable[Interaction],
    models: Sequence[str],
    protocol: Protocol,
    on_progress: Callable[[int, int], None] = lambda n_done, n_events: None,
) -> dict[str, dict[str, float]]:
    """Measure models on the same questions; every interaction is a positive.

    Parameters
    ----------
    models
        Some of `MODELS`.
    on_progress
        Called with the number of events done, and of all.

    Returns
    -------
    metrics
        Model name -> recall_at_k, precision_at_k, ndcg_at_k, mrr_at_k and n_events, the number of questions.

    Raises
    ------
    ConfigurationError
        When a model has a name that is not known.

    >>> stream = [Interaction(str(n % 5), str(n // 5), float(n)) for n in range(50)]
    >>> evaluate(stream, ["popularity"], Protocol(k=1))["popularity"]["recall_at_1"]
    0.8
    """
    unknown = sorted(set(models) - set(MODELS))
    if unknown:
        raise ConfigurationError(f"unknown models {', '.join(unknown)}: there are {', '.join(MODELS)}")
    events = columns(interactions)
    n_events = len(events.user_rows)
    start = round(n_events * protocol.initial_share)
    use_one_thread()
    rankers = {name: _ranker(name, events.at(slice(0, start)), protocol) for name in models}
    n_done = start

    def report(n_more: int) -> None:
        nonlocal n_done
        n_done += n_more
        on_progress(n_done, n_events)

    ranks = prequential_ranks(rankers, events, start, stride=protocol.stride, on_progress=report)
    return {name: summary(of_model, protocol.k) for name, of_model in ranks.items()}


def columns(interactions: Iterable[Interaction]) -> Events:
    """Return interactions by column, sorted by time (stable), ids numbered by first appearance.

    >>> columns([Interaction("b", "x", 2.0), Interaction("a", "y", 1.0)]).item_rows.tolist()
    [0, 1]
    """
    in_order = sorted(interactions, key=lambda interaction: interaction.timestamp)
    return Events(
        IdMap().rows_of([interaction.user_id for interaction in in_order], add=True),
        IdMap().rows_of([interaction.item_id for interaction in in_order], add=True),
        np.array([interaction.timestamp for interaction in in_order], np.float64),
        np.ones(len(in_order), np.float32),
    )


def _ranker(name: str, history: Events, protocol: Protocol) -> Ranker:
    """Return a model of this name, fitted on the history."""
    if name == "gmf":
        learner = Learner(protocol.learning)
        fit_initial(learner, history, protocol.fit)
        return GmfRanker(learner) if protocol.pace is None else StreamedGmf(learner, protocol.pace)
    counting: Ranker
    if name == "popularity":
        counting = PopularityRanker(Popularity({ALL_TIME: None}), ALL_TIME)
    else:
        counting = _FadingPopularity()
    counting.learn(history)
    return counting


class _FadingPopularity:
    """Popularity whose clock counts events: a half-life in hours would suit one data set only."""

    def __init__(self) -> None:
        self._ranker = PopularityRanker(Popularity({"events": _DECAY_HALF_LIFE_EVENTS}), "events")
        self._n_events = 0

    def scores(self, user_row: int, n_items: int) -> NDArray[np.floating]:
        """Return (n_items,) faded counts."""
        return self._ranker.scores(user_row, n_items)

    def learn(self, events: Events) -> None:
        """Count B events, one tick of the clock each."""
        ticks = self._n_events + np.arange(len(events.user_rows), dtype=np.float64)
        self._n_events += len(ticks)
        self._ranker.learn(events._replace(timestamps=ticks))
