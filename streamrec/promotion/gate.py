"""Gate before the live generation: a new one knows as much, and ranks as well on the same events, about."""

import math
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
import structlog

from models.checkpoint import checkpoint_folders, read_state_part
from streamrec.adapters.files.snapshot_retention import CHECKPOINTS, predicted_path
from streamrec.adapters.files.snapshots import current_generation
from streamrec.domain.events.interaction import Interaction
from streamrec.domain.items.category_table import CategoryTable
from streamrec.domain.ranking.prequential import Events
from streamrec.errors import CorruptArtifact, RefusedGeneration
from streamrec.learning.initial.release import Start
from streamrec.learning.state.checkpoints import Checkpoints
from streamrec.learning.state.counters import Counters
from streamrec.learning.state.trainer_state import TrainerState
from streamrec.promotion.admission import EnoughData, HistorySize, size_of_live
from streamrec.promotion.last_events import LastEvents
from streamrec.promotion.rehearsal import K, OnProgress, Rehearsal
from streamrec.settings.processes import LearningSettings, TrainerSettings
from streamrec.shadow.predicted_events import MOST_PREDICTED, PredictedEvents

HELD_SHARE = 0.1
"""Of the history, the newest part, which is predicted: no more than the live one remembers of its own."""

LEAST_QUESTIONS = 100
"""Of fewer, recall says nothing: of 100 at .2 its standard error is .04."""


_LIVE, _POPULARITY = "the live generation", "popularity"


class Demands(NamedTuple):
    """Demands of a new generation.

    Attributes
    ----------
    least_share
        Of the events and of the users that the live one knows.
    within
        Share of the live one's recall by which the new one's may be lower.
    is_enforced
        Otherwise the verdict is told, and the generation published whatever it is.
    """

    least_share: float = 0.8
    within: float = 0.05
    is_enforced: bool = True


class Verdict(NamedTuple):
    """Comparison of two generations on the same events, each predicted before it was learned.

    Attributes
    ----------
    size, size_of_live
        How much each knows.
    against
        The live generation, or popularity, where the live one predicted too few of the events.
    n_held
        Newest events of the history, which were kept back.
    n_compared
        Of these, those that both were asked about.
    recall, recall_against
        Shares of them whose item was among the first ten.
    least
        Recall below which the new one is refused.
    """

    size: HistorySize
    size_of_live: HistorySize | None
    against: str
    n_held: int
    n_compared: int
    recall: float
    recall_against: float
    least: float

    @property
    def is_of_live(self) -> bool:
        """Whether it is the live generation that the new one is compared with."""
        return self.against == _LIVE

    @property
    def is_passed(self) -> bool:
        """Whether the new generation may be published."""
        return self.n_compared >= LEAST_QUESTIONS and self.recall >= self.least


class _Recorded(msgspec.Struct):
    """The part of a checkpoint's state that says what it learns with."""

    learning: dict[str, Any] = {}


class Gate:
    """Implements `Admission`: enough data, and recall that is within some percent of the live generation's.

    The newest events are kept back from the training. The new generation predicts each and then learns it, as
    its trainer would; the live one has done the same when they came, and what it has not learned yet it
    predicts now. The answers to the questions that both were asked are compared.

    Parameters
    ----------
    tell
        Told the verdict.
    open_bar
        Opens a bar of some description, which is moved over the events that are predicted.
    """

    def __init__(
        self,
        artifacts_dir: Path,
        demands: Demands,
        settings: TrainerSettings,
        tell: Callable[[Verdict], None],
        open_bar: Callable[[str], AbstractContextManager[OnProgress]],
    ) -> None:
        self._artifacts_dir, self._demands, self._settings = artifacts_dir, demands, settings
        self._tell, self._open_bar = tell, open_bar
        self._live = size_of_live(artifacts_dir)
        live = self._live if demands.is_enforced else None
        mend = "Give it more (--events, --from-archive, --from-stream), or --least-share, or --force"
        self._floor = EnoughData(live, demands.least_share, mend)
        self._last = LastEvents(HELD_SHARE, MOST_PREDICTED)

    @property
    def n_events(self) -> int:
        """Number of events of the history."""
        return self._floor.n_events

    def passing(self, events: Iterable[Interaction]) -> Iterator[Interaction]:
        """Yield all but the newest events."""
        return self._last.without(self._floor.passing(events))

    def held_users(self) -> Sequence[str]:
        """Return the users of the newest events."""
        return [*dict.fromkeys(event.user_id for event in self._last.events)]

    def forget_users(self, user_ids: Sequence[str]) -> None:
        """Drop the newest events of erased users."""
        gone = set(user_ids)
        if gone:
            self._last.events = deque(event for event in self._last.events if event.user_id not in gone)

    def judge(self, state: TrainerState, past: Events, start: Start, categories: CategoryTable) -> Events:
        """Let the newest events be predicted and learned, and compare.

        Raises
        ------
        RefusedGeneration
            When the new generation ranks worse, or there is nothing to judge it by.
        """
        events = list(self._last.events)
        of_live = self._ranks_of_live(events, start, categories)
        with self._open_bar("Predicting the newest events") as show:
            answers = self._rehearsal(state, start, categories).of(events, show, skips_known=False)
        state.counters = Counters()  # of the stream, which is still to come
        against = {number: rank for number, rank in of_live.items() if number in answers.served}
        if len(against) >= LEAST_QUESTIONS:
            verdict = self._verdict(_LIVE, answers.served, against)
        else:
            verdict = self._verdict(_POPULARITY, answers.served, answers.popular)
        self._tell(verdict)
        if self._demands.is_enforced and not verdict.is_passed:
            raise RefusedGeneration(_words(verdict))
        predicted = PredictedEvents(predicted_path(self._artifacts_dir, state.generation))
        predicted.note_all(answers.served)  # whoever wants its place is asked the same
        predicted.save()
        return _joined(past, answers.learned)

    def _rehearsal(self, state: TrainerState, start: Start, categories: CategoryTable) -> Rehearsal:
        n_neighbours = self._settings.covisitation.n_published
        return Rehearsal(state, start, categories, n_neighbours, time.time())

    def _ranks_of_live(
        self, events: Sequence[Interaction], start: Start, categories: CategoryTable
    ) -> Mapping[int, int]:
        """Return the ranks by number of what the live generation predicted when it came, or predicts now."""
        try:
            generation = current_generation(self._artifacts_dir)
            if generation is None:
                return {}
            recorded = PredictedEvents(predicted_path(self._artifacts_dir, generation)).ranks()
            live = self._live_state(generation)
        except CorruptArtifact as error:
            structlog.get_logger().warning("live_generation_unreadable", error=str(error))
            return {}
        with self._open_bar("Predicting them by the live generation") as show:
            unlearned = self._rehearsal(live, start, categories).of(events, show, skips_known=True)
        return {**unlearned.served, **recorded}

    def _live_state(self, generation: str) -> TrainerState:
        """Return what the live generation knew at its last checkpoint."""
        folders = checkpoint_folders(self._artifacts_dir / CHECKPOINTS / generation)
        given = [read_state_part(folder, _Recorded).learning for folder in folders[:1]]
        learning = LearningSettings.recorded(given[0] if given else {})
        state, _ = Checkpoints(self._artifacts_dir, generation).open_newest(learning, self._settings)
        return state

    def _verdict(self, against: str, served: Mapping[int, int], others: Mapping[int, int]) -> Verdict:
        hits = np.array([served[number] < K for number in others], np.bool_)
        others_hit = np.array([rank < K for rank in others.values()], np.bool_)
        n = len(hits)
        recall, recall_against = (float(one.mean()) if n else 0.0 for one in (hits, others_hit))
        # What chance alone makes of so few events: the standard error of the difference, of paired answers.
        chance = math.sqrt(int((hits != others_hit).sum())) / n if n else 0.0
        least = recall_against - max(self._demands.within * recall_against, chance)
        if against == _POPULARITY:
            least = recall_against
        n_held = len(self._last.events)
        return Verdict(self._floor.size, self._live, against, n_held, n, recall, recall_against, least)


def _joined(one: Events, other: Events) -> Events:
    return Events(
        np.concatenate([one.user_rows, other.user_rows]),
        np.concatenate([one.item_rows, other.item_rows]),
        np.concatenate([one.timestamps, other.timestamps]),
        np.concatenate([one.weights, other.weights]),
    )


def _words(verdict: Verdict) -> str:
    if verdict.n_compared < LEAST_QUESTIONS:
        return (
            f"of the newest {verdict.n_held:,} events only {verdict.n_compared} can be predicted at all, and"
            f" {LEAST_QUESTIONS} are needed to judge a generation by. The live one stays; --force replaces it"
        )
    return (
        f"on {verdict.n_compared:,} events recall@{K} is {verdict.recall:.4f}, and {verdict.against} has"
        f" {verdict.recall_against:.4f}: {verdict.least:.4f} is the least. The live generation stays; --force"
        " replaces it, --as-challenger of initial_training.py lets the new one learn beside it"
    )
