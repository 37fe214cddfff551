"""Initial training: epochs over a history, judged by how the model then streams."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from models.descent import LearnOutcome
from streamrec.domain.popularity.counts import ALL_TIME, Popularity
from streamrec.domain.ranking.metrics import summary
from streamrec.domain.ranking.prequential import Events, PopularityRanker, Ranker, Rows, prequential_ranks
from streamrec.learning.gmf_ranker import GmfRanker
from streamrec.learning.learner import Learner
from streamrec.learning.sampling import occurrence_numbers

K = 10

_GOAL = f"recall_at_{K}"

_BATCH = 1024

_STREAM_BATCH = 16
"""Events that validation learns at once: a stream's own batches are about as small, and cost more."""


@dataclass(frozen=True)
class FitOptions:
    """Options of initial training.

    Attributes
    ----------
    validation_share
        Of the events, the newest, which are predicted and then learned to judge an epoch.
    max_validated
        Validation events at most.
    max_epochs, patience
        Training ends after so many epochs, or so many in a row that were no better than the best.
    output_rate
        Learning rate of the output layer, which is frozen from then on.
    n_top_items_left_out
        The most popular items that are not trained on; validation keeps them.
    max_events_of_user, max_item_share
        Only so many of a user's newest events, and only so large a share of all events of one item, are
        trained on; None sets no limit.
    """

    validation_share: float = 0.1
    max_validated: int = 2000
    max_epochs: int = 1
    patience: int = 2
    output_rate: float = 1e-4
    n_top_items_left_out: int = 0
    max_events_of_user: int | None = None
    max_item_share: float | None = None


@dataclass(frozen=True)
class Epoch:
    """One epoch: the mean training loss, and how the model streamed afterwards."""

    loss: float
    metrics: dict[str, float]


@dataclass(frozen=True)
class FitReport:
    """Report of initial training.

    Attributes
    ----------
    epochs
        All that were tried.
    best_epoch
        Number of the one that was kept, from 1.
    gmf, popularity
        Validation metrics of the model that was kept, and of popularity on the same questions.
    """

    epochs: list[Epoch]
    best_epoch: int
    gmf: dict[str, float]
    popularity: dict[str, float]

    @property
    def is_above_popularity(self) -> bool:
        """Whether the model ranks better than counting does: else it is of no use, or dead."""
        return self.gmf[_GOAL] > self.popularity[_GOAL]

    @property
    def is_below_popularity(self) -> bool:
        """Whether the model ranks worse than counting does."""
        return self.gmf[_GOAL] < self.popularity[_GOAL]


def fit_initial(
    learner: Learner,
    events: Events,
    options: FitOptions,
    on_progress: Callable[[int, int], None] = lambda n_done, n_in_all: None,
) -> FitReport:
    """Train a learner on a history and leave it as the stream finds it: all events remembered, and learned.

    Epochs go through the training events in time order. After each, the newest part of the history is
    predicted and learned as a stream would bring it, because that is what the model is for: a model that
    ranks best while it is frozen is not the one that streams best. The weights of the best epoch are
    restored, and the validation events learned once, in their order.

    Parameters
    ----------
    events
        In time order; the rows are those of the learner's tables.
    on_progress
        Called with the number of events gone through, and of all there are to go through at most: each epoch
        goes through the training events and through those of validation.
    """
    n_events = len(events.user_rows)
    start = n_events - min(round(n_events * options.validation_share), options.max_validated)
    past, validation = events.at(slice(0, start)), events.at(slice(start, n_events))
    learner.remember(past.user_rows, past.item_rows, past.timestamps)
    # Validation may ask about users and items that training leaves out.
    learner.model.grow_to(_n_rows(events.user_rows), _n_rows(events.item_rows))
    trained = past.at(_chosen(past, options))
    n_epoch = len(trained.user_rows) + n_events - start
    done = _Progress(on_progress, 2 * (n_events - start) + options.max_epochs * n_epoch)
    judge = _Judge(events, start, done.add)
    report = FitReport([], 0, summary(np.zeros(0, np.int64), K), judge.popularity())
    best = learner.state_tensors()
    for number in range(1, options.max_epochs + 1):
        loss = _epoch(learner, trained, options.output_rate, done.add)
        state = {name: tensor.clone() for name, tensor in learner.state_tensors().items()}
        metrics = judge.gmf(learner)
        learner.load_state_tensors(state)
        report.epochs.append(Epoch(loss, metrics))
        if number == 1 or metrics[_GOAL] > report.gmf[_GOAL]:
            best, report = state, replace(report, best_epoch=number, gmf=metrics)
        elif number - report.best_epoch >= options.patience:
            break
    learner.load_state_tensors(best)
    _learn(learner.learn, validation, _STREAM_BATCH, done.add)
    done.end()
    return report


class _Progress:
    """Count of events gone through, told now and then."""

    def __init__(self, tell: Callable[[int, int], None], n_in_all: int) -> None:
        self._tell = tell
        self._n_in_all = n_in_all
        self._n_done = 0
        tell(0, n_in_all)

    def add(self, n_events: int) -> None:
        """Note events that were gone through."""
        self._n_done += n_events
        self._tell(self._n_done, self._n_in_all)

    def end(self) -> None:
        """Tell that it is over, if sooner than could be."""
        if self._n_done < self._n_in_all:
            self.add(self._n_in_all - self._n_done)


class _Judge:
    """Asks the same questions of a model after every epoch, and of popularity."""

    def __init__(self, events: Events, start: int, on_progress: Callable[[int], None]) -> None:
        self._events = events
        self._start = start
        self._on_progress = on_progress

    def gmf(self, learner: Learner) -> dict[str, float]:
        """Return the metrics of a learner, which has learned the validation events afterwards."""
        return self._metrics(GmfRanker(learner))

    def popularity(self) -> dict[str, float]:
        """Return the metrics of counting all events."""
        popularity = PopularityRanker(Popularity({ALL_TIME: None}), ALL_TIME)
        popularity.learn(self._events.at(slice(0, self._start)))
        return self._metrics(popularity)

    def _metrics(self, model: Ranker) -> dict[str, float]:
        ranks = prequential_ranks(
            {"model": model},
            self._events,
            self._start,
            batch_size=_STREAM_BATCH,
            on_progress=self._on_progress,
        )
        return summary(ranks["model"], K)


def _epoch(learner: Learner, events: Events, output_rate: float, on_progress: Callable[[int], None]) -> float:
    """Refit all events once; return their mean loss."""
    learner.begin_refit()
    return _learn(partial(learner.refit, output_rate=output_rate), events, _BATCH, on_progress)


def _learn(
    learn: Callable[..., LearnOutcome], events: Events, batch_size: int, on_progress: Callable[[int], None]
) -> float:
    n_events = len(events.user_rows)
    total = 0.0
    for first in range(0, n_events, batch_size):
        batch = events.at(slice(first, first + batch_size))
        outcome = learn(batch.user_rows, batch.item_rows, batch.weights, batch.timestamps)
        total += outcome.loss * len(batch.user_rows)
        on_progress(len(batch.user_rows))
    return total / max(1, n_events)


def _n_rows(rows: Rows) -> int:
    return int(rows.max(initial=-1)) + 1


def _chosen(events: Events, options: FitOptions) -> Rows:
    """Return the positions of the events to train on, ascending."""
    n_events = len(events.user_rows)
    is_chosen = np.ones(n_events, np.bool_)
    if options.n_top_items_left_out:
        counts = np.bincount(events.item_rows)
        top = np.argsort(-counts, kind="stable")[: options.n_top_items_left_out]
        is_chosen &= ~np.isin(events.item_rows, top)
    if options.max_events_of_user is not None:
        is_chosen &= _turns_from_newest(events.user_rows) < options.max_events_of_user
    if options.max_item_share is not None:
        is_chosen &= _turns_from_newest(events.item_rows) < options.max_item_share * n_events
    return np.flatnonzero(is_chosen)


def _turns_from_newest(rows: Rows) -> Rows:
    """Return (N,): how often each row still occurs after its position."""
    return occurrence_numbers(rows[::-1])[::-1]
