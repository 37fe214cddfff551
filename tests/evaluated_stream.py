"""A trainer's state whose events are all predicted before they are learned, and streams that poison it."""

import random
from collections.abc import Sequence
from typing import Any

from streamrec.datasets.synthetic import EVENT_TYPES, SyntheticStream, item_name, user_name
from streamrec.domain.events.interaction import Interaction
from streamrec.domain.events.weights import EventWeights
from streamrec.domain.items.category_table import CategoryTable
from streamrec.learning.absorb import absorb
from streamrec.learning.rules import LearningRules
from streamrec.learning.state.categories import ItemCategories
from streamrec.learning.state.trainer_state import TrainerState
from streamrec.settings.processes import LearningSettings, TrainerSettings
from streamrec.shadow.live_evaluation import LiveEvaluation

_BATCH = 16
_BATCHES_PER_CHECKPOINT = 64
_BATCHES_PER_SECOND = 8
"""So often rankings are made anew."""


class EvaluatedStream:
    """Learns events in small batches; a checkpoint is written every thousand.

    Attributes
    ----------
    n_events
        Events learned so far.
    alarms
        By gauge, how many events had been learned when it rose for the first time.
    """

    def __init__(self, **settings: Any) -> None:
        given = TrainerSettings(**{"evaluations_per_s": 1e6, **settings})
        self.state = TrainerState("g1", LearningSettings(), given)
        self._categories = ItemCategories([], given.content_fields)
        self._rules = LearningRules(
            EventWeights({}), False, self._categories.contents, self._categories.labels
        )
        self._settings = given
        self.evaluation = self._new_evaluation(self._categories.table)
        self.n_events = self._n_batches = 0
        self.alarms: dict[str, int] = {}

    def _new_evaluation(self, table: CategoryTable) -> LiveEvaluation:
        return LiveEvaluation(self.state, self._settings, None, table)

    def learn(self, events: Sequence[Interaction]) -> None:
        """Learn events that nobody predicts, as initial training would; what they made is taken for good."""
        for first in range(0, len(events), 1024):
            absorb(self.state, events[first : first + 1024], self._rules, now=0.0)
        self.evaluation = self._new_evaluation(self._categories.table)

    def predict_and_learn(self, events: Sequence[Interaction], stride: int = 1) -> None:
        """Predict one batch in `stride`, and learn all."""
        updates = self.evaluation.updates
        for first in range(0, len(events), _BATCH):
            batch = events[first : first + _BATCH]
            self._n_batches += 1
            if self._n_batches % stride == 0:
                # Much later than the last one: what evaluations cost does not limit how many there are.
                self.evaluation.sample(batch, self._rules.weights, now=self._n_batches * 1e6)
            else:
                updates.note_events(batch)
            absorb(self.state, batch, self._rules, now=0.0)
            self.n_events += len(batch)
            if self._n_batches % _BATCHES_PER_SECOND == 0:
                self.evaluation.serving.renew()
            if self._n_batches % _BATCHES_PER_CHECKPOINT == 0:
                updates.note_checkpoint()
            self._note_alarms(updates.gauges())

    def _note_alarms(self, gauges: dict[str, float]) -> None:
        for name in (
            "model_below_popularity",
            "model_below_checkpoint",
            "model_below_day",
            "model_below_usual",
        ):
            if gauges[name]:
                self.alarms.setdefault(name, self.n_events)
        if gauges["one_user_sends_much"]:
            self.alarms.setdefault("one_user_sends_much", self.n_events)
        if gauges["worse_model_reverts"]:
            self.alarms.setdefault("worse_model_reverts", self.n_events)

    def recall(self, name: str) -> float:
        """Return the share of the last thousand predicted events that a list had among its first ten."""
        return self.evaluation.gauges()[f"prequential.{name}.recall_at_10"]


def made_up(n_events: int, **stream: float) -> list[Interaction]:
    """Return a synthetic stream's events but the dislikes."""
    blocks = SyntheticStream(n_events, **{"n_users": 800, "n_items": 500, **stream}).blocks()  # type: ignore[arg-type]
    return [
        Interaction(user_name(user), item_name(item), timestamp)
        for block in blocks
        for user, item, timestamp, type_ in zip(
            block.users.tolist(),
            block.items.tolist(),
            block.timestamps.tolist(),
            block.types.tolist(),
            strict=True,
        )
        if EVENT_TYPES[type_] != "dislike"
    ]


def with_items_shuffled(events: Sequence[Interaction], seed: int = 1) -> list[Interaction]:
    """Return events whose items are one another's: what anybody chose says nothing any more."""
    item_ids = [event.item_id for event in events]
    random.Random(seed).shuffle(item_ids)
    return [
        Interaction(event.user_id, item_id, event.timestamp)
        for event, item_id in zip(events, item_ids, strict=True)
    ]


def with_half_the_items_shuffled(events: Sequence[Interaction]) -> list[Interaction]:
    """Return events of which every second has the item of another of these."""
    found = [*events]
    found[::2] = with_items_shuffled(events[::2])
    return found


def with_a_robot(events: Sequence[Interaction]) -> list[Interaction]:
    """Return events among which a third are of one user, who goes through all items again and again."""
    item_ids = sorted({event.item_id for event in events})
    found: list[Interaction] = []
    for number, event in enumerate(events):
        found.append(event)
        if number % 2:
            item_id = item_ids[number // 2 % len(item_ids)]
            found.append(Interaction("robot", item_id, event.timestamp))
    return found


def equal_events(n: int, like: Interaction) -> list[Interaction]:
    """Return so many events of one user and one item, at one time."""
    return [Interaction("stuck", like.item_id, like.timestamp)] * n
