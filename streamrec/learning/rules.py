"""Rules by which events are read as teaching."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.events.interaction import Interaction
from streamrec.domain.events.weights import EventWeights
from streamrec.domain.items.content_index import ContentIndex
from streamrec.domain.items.item_labels import NO_LABELS, ItemLabels

VALUE_BOUNDS = (0.2, 5.0)
"""A value far from its user's mean is more often a mistake than a passion: its weight is bounded."""


LabelsOf = Callable[[str], ItemLabels]
"""Gives the categories and tags that an item counts for in its users' profiles."""


class LearningRules(NamedTuple):
    """Rules by which events are learned from.

    Attributes
    ----------
    weights
        By event type.
    is_value_weighted
        Whether an event's value, relative to its user's mean, scales its weight.
    contents
        Finds the items with metadata like an item's, among which a new item starts.
    labels_of
        Categories and tags of an item, for the profiles of users.
    """

    weights: EventWeights
    is_value_weighted: bool
    contents: ContentIndex
    labels_of: LabelsOf = lambda _item_id: NO_LABELS

    def weights_of(self, events: Sequence[Interaction]) -> NDArray[np.float64]:
        """Return (B,) weights of events by their types."""
        return np.array([self.weights.of(event.type, event.value) for event in events], np.float64)
