"""One part of what the trainer keeps of users and items, beside the model."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.events.observed import ObservedEvents, Retracted

if TYPE_CHECKING:  # it is compiled, and index servers, which know of states by their settings, have no numba
    from streamrec.domain.rows.marked_rows import GoneRows

Rows = NDArray[np.int64]
Arrays = Mapping[str, NDArray[Any]]
Entries = Any
"""Lists and mappings of JSON's types."""


class StatePart:
    """A part of the trainer's state: it observes events, forgets rows, and is stored in checkpoints.

    The trainer's state holds its parts by name and goes through them with every batch of the stream or of a
    history, every retraction, erasure, deletion and eviction, and every checkpoint. A part overrides what
    concerns it; what it does not override does nothing.
    """

    def observe(self, events: ObservedEvents) -> Rows | None:
        """Count B events; return the item rows whose neighbours changed, None from a part without any."""
        return None

    def retract(self, pairs: Retracted) -> None:
        """Take back what was counted of R pairs of a user and an item, as far as it is still known."""

    def forget_users(self, rows: Rows) -> None:
        """Clear (R,) rows for their next users. Rows may be beyond those seen so far."""

    def forget_items(self, rows: Rows) -> Rows | None:
        """Clear (R,) rows for their next items; return the item rows whose neighbours changed, or None.

        What names them in large tables may be left to `swept`: they get new owners once it was gone through.
        """
        return None

    @property
    def swept(self) -> "list[GoneRows]":
        """Forgotten items that large tables may name, which are gone through for them a part at a time."""
        return []

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the state, for a checkpoint: views where possible, not copies."""
        return {}

    def entries(self) -> Entries:
        """Return what of the state is no array, in JSON's types; None when there is nothing."""
        return None

    def load_entries(self, entries: Entries) -> None:
        """Take over what `entries` returned, if it was not None; called before `load_arrays`.

        Raises
        ------
        UnfitState
            When it is of another shape or meaning than this part's. What does not fit is left as new.
        """

    def load_arrays(self, arrays: Arrays) -> None:
        """Take over copies of what `arrays` returned.

        Raises
        ------
        UnfitState
            As `load_entries`; `streamrec.domain.rows.stored` has the checks.
        """
