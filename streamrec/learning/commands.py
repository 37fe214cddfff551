"""Commands about items, as the trainer carries them out."""

from collections.abc import Sequence
from typing import NamedTuple

from streamrec.domain.items.item import ItemVersions
from streamrec.learning.item_starts import enter_silently
from streamrec.learning.state.categories import ItemCategories
from streamrec.learning.state.hidden_items import follow
from streamrec.learning.state.trainer_state import TrainerState
from streamrec.ports import COMMANDS, EventSource, TrainerStore
from streamrec.process.decoding import KeyedCommand


class GoneItems(NamedTuple):
    """Ids that commands deleted, and such that they hid: neither is to be offered from now on."""

    deleted: list[str]
    hidden: list[str]


def commands_read(source: EventSource) -> int | None:
    """Return the next offset of the commands; None where several partitions have no one order."""
    offsets = source.next_offsets().get(COMMANDS, {})
    return offsets.get(0, 0) if offsets.keys() <= {0} else None


def changed_items(commands: Sequence[KeyedCommand], store: TrainerStore) -> ItemVersions:
    """Read what the store holds of the items that commands call changed or deleted.

    Raises
    ------
    Unavailable
        When the store does not answer; nothing was carried out then.
    """
    item_ids = list(dict.fromkeys(key for key, _ in commands))
    return store.read_versions(item_ids) if item_ids else ItemVersions({}, {})


def carry_out(
    commands: Sequence[KeyedCommand],
    items: ItemVersions,
    state: TrainerState,
    categories: ItemCategories,
    now: float,
) -> GoneItems:
    """Change the state as commands about items say; return what is gone, for the index to know.

    What is deleted goes first, all of it at once, for that takes a search of whole tables; an item that was
    changed after its last deletion comes back.

    Parameters
    ----------
    items
        From `changed_items`.
    now
        Unix seconds.
    """
    deleted_at = {
        key: number for number, (key, command) in enumerate(commands) if command.name == "item_deleted"
    }
    _delete_items(list(deleted_at), state, categories)
    changed = []
    for number, (key, command) in enumerate(commands):
        if command.name == "item_changed" and key in items.items and number > deleted_at.get(key, -1):
            categories.put(items.items[key])
            state.deleted_items.discard(key)
            enter_silently(state, items.items[key], categories.contents, now)
            changed.append(key)
    hidden = follow(state, dict.fromkeys(changed), categories.hidden, now)
    return GoneItems(list(deleted_at), hidden)


def _delete_items(item_ids: Sequence[str], state: TrainerState, categories: ItemCategories) -> None:
    for item_id in item_ids:
        categories.drop(item_id)
        # Events about it may still be under way: they must not bring it back.
        state.deleted_items.add(item_id)
    state.hidden_items.difference_update(item_ids)
    state.forget_items(item_ids)
