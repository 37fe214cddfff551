"""Items that users asked to see less like, as a part of the trainer's state."""

from collections import OrderedDict
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from streamrec.domain.events.observed import ObservedEvents, Retracted
from streamrec.domain.rows.state_part import Entries, StatePart
from streamrec.domain.users.less import MOST_LESS, Less
from streamrec.errors import UnfitState


class UserLess(StatePart):
    """The newest `MOST_LESS` items that each user asked to see less like, by user row, oldest first."""

    def __init__(self) -> None:
        self._of_user: dict[int, OrderedDict[str, Less]] = {}

    def of(self, row: int) -> tuple[Less, ...]:
        """Return what a user asked for, oldest first."""
        return tuple(self._of_user.get(row, {}).values())

    def observe(self, events: ObservedEvents) -> None:
        """Note what users asked for; who chooses the item later takes it back."""
        for row, item_id, is_dislike, less in events.decisions:
            if less is not None:
                own = self._of_user.setdefault(row, OrderedDict())
                own[item_id] = less
                own.move_to_end(item_id)
                if len(own) > MOST_LESS:
                    own.popitem(last=False)
            elif not is_dislike:
                self._take_back(row, item_id)

    def retract(self, pairs: Retracted) -> None:
        """Take back what was asked for."""
        for row, item_id in zip(pairs.user_rows.tolist(), pairs.item_ids, strict=True):
            self._take_back(row, item_id)

    def _take_back(self, row: int, item_id: str) -> None:
        own = self._of_user.get(row)
        if own is not None and own.pop(item_id, None) is not None and not own:
            del self._of_user[row]

    def forget_users(self, rows: NDArray[np.int64]) -> None:
        """Clear rows for their next users."""
        for row in rows.tolist():
            self._of_user.pop(row, None)

    def entries(self) -> list[tuple[int, list[Any]]]:
        """Return what was asked for by row, oldest first, for a checkpoint."""
        return [(row, msgspec.to_builtins(list(own.values()))) for row, own in self._of_user.items()]

    def load_entries(self, entries: Entries) -> None:
        """Take over what `entries` returned."""
        try:
            loaded = msgspec.convert(entries, list[tuple[int, list[Less]]])
        except msgspec.ValidationError as error:
            raise UnfitState(str(error)) from error
        self._of_user = {
            row: OrderedDict((one.item_id, one) for one in asked[-MOST_LESS:]) for row, asked in loaded
        }
