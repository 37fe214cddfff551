"""Model under evaluation on a stream: its answers, and their times."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.ranking.metrics import best_rows
from streamrec.domain.ranking.prequential import Events, ListRanker, Question, Ranker, Rows

Clock = Callable[[], float]
"""Returns seconds from some moment on."""


@dataclass(frozen=True)
class Answers:
    """Answers of a model to Q questions.

    Attributes
    ----------
    ranks
        (Q,) of the targets, from 0.
    n_shown
        (I,) in how many answers each item was among the first.
    predict_s
        (Q,) seconds from the question to the list.
    learn_s
        (N,) seconds an event.
    """

    ranks: Rows
    n_shown: Rows
    predict_s: NDArray[np.float64]
    learn_s: NDArray[np.float64]


class Contestant:
    """Asks a model questions, and records its answers.

    Parameters
    ----------
    ks
        Lengths of list: answers are as long as the longest, items count as shown in the shortest.
    n_items
        Of the whole stream.
    clock
        What durations are taken from.
    """

    def __init__(self, model: Ranker | ListRanker, ks: tuple[int, ...], n_items: int, clock: Clock) -> None:
        self._model = model
        self._k_shown, self._k = min(ks), max(ks)
        self._clock = clock
        self._ranks: list[int] = []
        self._n_shown = np.zeros(n_items, np.int64)
        self._predict_s: list[float] = []
        self._learn_s: list[float] = []

    def ask(self, question: Question) -> None:
        """Let the model answer a question."""
        began = self._clock()
        best, scores = self._answer(question)
        self._predict_s.append(self._clock() - began)
        self._ranks.append(question.rank_in(best) if scores is None else question.rank(scores))
        self._n_shown[best[: self._k_shown]] += 1

    def learn(self, events: Events) -> None:
        """Let the model learn B events."""
        began = self._clock()
        self._model.learn(events)
        n_events = len(events.user_rows)
        self._learn_s.extend([(self._clock() - began) / n_events] * n_events)

    def answers(self) -> Answers:
        """Return what was noted so far."""
        return Answers(
            np.array(self._ranks, np.int64),
            self._n_shown.copy(),
            np.array(self._predict_s),
            np.array(self._learn_s),
        )

    def _answer(self, question: Question) -> tuple[Rows, NDArray[np.floating] | None]:
        """Return the model's list, and all scores where it has them: the rank is exact however low then."""
        if isinstance(self._model, ListRanker):
            best = self._model.best(question.user_row, self._k, question.timestamp)
            return np.asarray(best, np.int64), None
        scores = self._model.scores(question.user_row, question.n_items, question.timestamp)
        return best_rows(scores, question.excluded, self._k), scores
