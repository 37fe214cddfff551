"""Commands from the services, as the trainer carries them out."""

from collections.abc import Sequence
from typing import NamedTuple

from streamrec.domain.generation_roles import PromotionRequest
from streamrec.domain.item import ItemVersions
from streamrec.ports import COMMANDS, EventSource, TrainerStore
from streamrec.training.categories import ItemCategories
from streamrec.training.decoding import KeyedCommand
from streamrec.training.hidden_items import follow
from streamrec.training.item_starts import enter_silently
from streamrec.training.pending import Pending
from streamrec.training.trainer_state import TrainerState


class GoneItems(NamedTuple):
    """Ids that commands deleted, and such that they hid: neither is to be offered from now on."""

    deleted: list[str]
    hidden: list[str]


def commands_read(source: EventSource) -> int | None:
    """Return the next offset of the commands; None where several partitions have no one order."""
    places = source.next_offsets().get(COMMANDS, {})
    return places.get(0, 0) if places.keys() <= {0} else None


def changed_items(commands: Sequence[KeyedCommand], store: TrainerStore) -> ItemVersions:
    """Read what the store holds of the items that commands call changed or deleted.

    Raises
    ------
    Unavailable
        When the store does not answer; nothing was carried out then.
    """
    names = ("item_changed", "item_deleted")
    item_ids = list(dict.fromkeys(key for key, command in commands if command.name in names))
    return store.read_versions(item_ids) if item_ids else ItemVersions({}, {})


def erased_users(commands: Sequence[KeyedCommand]) -> list[str]:
    """Return the users that commands of a version before want erased; see `erasures` for the others."""
    return [key for key, command in commands if command.name == "user_erased" and not command.is_marked]


def carry_out(
    commands: Sequence[KeyedCommand],
    items: ItemVersions,
    state: TrainerState,
    categories: ItemCategories,
    pending: Pending,
    now: float,
) -> GoneItems:
    """Change the state as the commands say, in their order; return what is gone, for the index to know.

    ``promote`` and ``rollback`` are only noted: see `promotion.AskedPromotions`.

    Parameters
    ----------
    items
        From `changed_items`.
    now
        Unix seconds.
    """
    stored = items.items
    gone = GoneItems([], [])
    for key, command in commands:
        state.counters.n_commands += 1
        if command.name == "item_changed":
            if key in stored:
                categories.put(stored[key])
                state.deleted_items.discard(key)
                gone.hidden.extend(follow(state, [key], categories.hidden, now))
                enter_silently(state, stored[key], categories.neighbours, now)
        elif command.name == "item_deleted":
            categories.drop(key)
            _delete_item(key, state)
            gone.deleted.append(key)
        elif command.name == "user_erased" and not command.is_marked:
            erase_user(key, state, pending)
        elif command.name in ("promote", "rollback"):
            state.promotions_asked.append(PromotionRequest(command.name, key, command.at))
    return gone


def _delete_item(item_id: str, state: TrainerState) -> None:
    state.hidden_items.discard(item_id)
    # Events about it may still be under way: they must not bring it back.
    state.deleted_items.add(item_id)
    forget_item(item_id, state)


def forget_item(item_id: str, state: TrainerState) -> None:
    """Forget an item if it is known; with its next event, if there is one, it is new."""
    if item_id in state.item_ids:
        row = state.item_ids.release(item_id)
        state.learner.forget_item(row)
        state.popularity.forget(row)
        state.new_items.forget(row)
        # Those that named it have waited longest of all.
        state.dirty_neighbours.mark(state.covisitation.forget(row), now=0.0)
        state.dirty_neighbours.mark(state.same_day.forget_item(row), now=0.0)
        state.dirty_items.drop(row)


def erase_user(user_id: str, state: TrainerState, pending: Pending) -> None:
    """Forget a user; see `docs/reference/erasure.md` for what stays counted without naming anybody."""
    row = state.user_ids.row(user_id)
    pending.forget_user(user_id, row)
    if row >= 0:
        state.user_ids.release(user_id)
        state.learner.forget_user(row)
        state.users.forget(row)
        state.user_categories.forget(row)
        state.user_tags.forget(row)
        state.dirty_users.drop(row)
        state.popularity.forget_user(row)
        state.user_shares.forget(row)
        state.same_day.forget_user(row)
