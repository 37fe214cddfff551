"""Things that happened before a training, and that it has to know of."""

from collections.abc import Sequence
from contextlib import closing
from typing import NamedTuple

from streamrec.adapters.opening import open_event_source
from streamrec.cli.screen import spinner
from streamrec.cli.training.initial_history import LEASE, until_told
from streamrec.learning.initial.past import ErasedUsers, PastCommands, read_commands
from streamrec.learning.state.categories import ItemCategories
from streamrec.ports import COMMANDS, TrainerStore
from streamrec.settings.processes import LocationSettings, TrainerSettings


class Before(NamedTuple):
    """Commands from before the training, and contents of the catalog.

    `deleted_items` are those of the commands that were not created again, the last one last.
    """

    commands: PastCommands
    erased: ErasedUsers
    categories: ItemCategories
    deleted_items: list[str]

    def newly_erased(self, user_ids: Sequence[str]) -> list[str]:
        """Return who of some users was erased since this was last asked."""
        erased: list[str] = until_told()(self.erased.newly, user_ids)
        return erased


def things_before(locations: LocationSettings, store: TrainerStore, settings: TrainerSettings) -> Before:
    """Read the commands, the erasures and the catalog."""
    patient = until_told()
    with (
        spinner("Reading the commands"),
        closing(open_event_source(locations.events_url, [COMMANDS], LEASE)) as source,
    ):
        commands = patient(read_commands, source)
    erased = patient(ErasedUsers, store, commands.erased_at)
    categories = patient(lambda: ItemCategories(store.read_items(), settings.content_fields))
    stored = patient(lambda: {item.item_id for item in store.read_items(commands.deleted_items)})
    deleted = [item_id for item_id in commands.deleted_items if item_id not in stored]
    return Before(commands, erased, categories, deleted)
