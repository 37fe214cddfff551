"""What a new champion publishes of the log that the one before had not published yet."""

import asyncio
from functools import partial
from pathlib import Path

from streamrec.ports import COMMANDS, INTERACTIONS
from streamrec.promotion.take_over import publish_missed
from streamrec.trainer.run import published_weights
from tests.builders import World, events


def test_repeats_and_events_of_deleted_items_are_not_seen(tmp_path: Path) -> None:
    world = World(tmp_path)
    shown, back, other = events(("u", "a"), ("u", "a"), ("u", "deleted"))
    world.command("item_deleted", "deleted")
    trainer = world.trainer()
    trainer.step(2)
    view = shown | {"event_id": "once"}
    world.send(view, back | {"type": "retract"}, view, other, *events(("u", "b")))
    source = trainer.source
    publish_missed(
        source,
        since={COMMANDS: {0: 1}, INTERACTIONS: {0: 0}},
        until=source.end_offsets(),
        weights_of=partial(published_weights, trainer.context),
        publisher=trainer.publisher,
        erasures=trainer.context.erasures,
    )
    profile = asyncio.run(world.store.get_profile("u", 10))
    assert [item_id for item_id in profile.seen] == ["b"]
    trainer.finish()
