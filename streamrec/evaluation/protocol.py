"""Protocol of an evaluation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from streamrec.domain.items.item import Item
from streamrec.evaluation.streamed import Pace
from streamrec.learning.initial.fit import FitOptions
from streamrec.settings.processes import LearningSettings, TrainerSettings


@dataclass(frozen=True)
class Protocol:
    """Parameters of an evaluation.

    Attributes
    ----------
    initial_share
        Of the events, the oldest: history that the models are fitted on.
    stride
        Every how many-th event is predicted; all are learned.
    ks
        Lengths of the list that must hold the item, ascending.
    pace
        Simulates micro-batches and publishing delays; None learns each event before the next is predicted.
        Only the GMF is delayed: counting has no vectors to publish.
    with_repeats
        Whether users are also asked about items that they chose before, which are candidates then.
    catalog
        Metadata of the items, known from the start. A run gives each the number of its row as id.
    users
        Attributes of users by id, known from the start. A run gives each the number of its row as id.
    n_seeds
        Models with chance in them run so many times, from the learning settings' seed upwards.
    """

    initial_share: float = 0.1
    stride: int = 1
    ks: tuple[int, ...] = (10, 20)
    pace: Pace | None = None
    with_repeats: bool = False
    n_seeds: int = 1
    catalog: Sequence[Item] = ()
    users: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    learning: LearningSettings = field(default_factory=LearningSettings)
    trainer: TrainerSettings = field(default_factory=TrainerSettings)
    fit: FitOptions = field(default_factory=FitOptions)

    def with_seed(self, number: int) -> "Protocol":
        """Return the protocol of the run of this number, from 0."""
        learning = self.learning.model_copy(update={"seed": self.learning.seed + number})
        return replace(self, learning=learning)
