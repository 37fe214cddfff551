import asyncio
from pathlib import Path

import numpy as np
import pytest
import torch

from streamrec.adapters.memory.events import MemoryEventSource
from streamrec.domain.items.item import Item
from streamrec.errors import LeaseLost, LogTruncated
from streamrec.ports import COMMANDS, INTERACTIONS, REJECTED, Message
from streamrec.wire import decode_rejected
from tests.builders import GENERATION, World, events


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_an_event_reaches_every_store(world: World) -> None:
    world.send(*events(("u", "a"), ("u", "b")))
    world.trainer().step(2)
    document = asyncio.run(world.store.get_user("u"))
    assert document is not None
    assert document.state is not None
    assert document.state.recent == ("a", "b")
    assert (document.state.n_events, document.state.updated_at) == (2, 101.0)
    assert document.state.generation == GENERATION
    assert asyncio.run(world.store.seen_items("u", 10)) == ["b", "a"]
    assert set(world.published_vectors()) >= {"a", "b"}
    popular = asyncio.run(world.cache.popular("all", 10))
    assert {item.item_id for item in popular} == {"a", "b"}


def test_the_published_vectors_rank_as_the_model_does(world: World) -> None:
    world.send(*events(*[(f"u{n % 5}", f"i{n % 7}") for n in range(100)]))
    trainer = world.trainer()
    trainer.step(3)
    document = asyncio.run(world.store.get_user("u1"))
    assert document is not None
    assert document.state is not None
    assert document.state.vector is not None
    user = np.frombuffer(document.state.vector, "<f4")
    row = trainer.state.user_ids.row("u1")
    for item_id, record in world.published_vectors().items():
        assert record.vector is not None
        score = float(user @ np.frombuffer(record.vector, "<f4"))
        rows = np.array([row]), np.array([trainer.state.item_ids.row(item_id)])
        model = trainer.state.learner.model
        assert score == pytest.approx(float(model.logits(*map(torch.from_numpy, rows))), abs=1e-5)


def test_invalid_records_are_rejected_once_with_their_reason_and_stop_nothing(world: World) -> None:
    world.send(b"garbage", *events(("u", "a")), b'{"user_id": "u"}')
    trainer = world.trainer()
    trainer.step()
    rejected = [decode_rejected(record.value or b"") for record in world.records(REJECTED)]
    assert [(entry.offset, entry.reason) for entry in rejected] == [(0, "not_json"), (2, "does_not_fit")]
    assert (trainer.state.counters.n_rejected, trainer.state.counters.n_events) == (2, 1)


def test_repeats_impressions_and_dislikes_are_told_apart(world: World) -> None:
    once = {"user_id": "u", "item_id": "a", "event_id": "e1"}
    world.send(once, once, {"user_id": "u", "item_id": "b", "type": "impression"})
    world.send({"user_id": "u", "item_id": "c", "type": "dislike"})
    trainer = world.trainer()
    trainer.step(2)
    counters = trainer.state.counters
    assert (counters.n_learned, counters.n_repeats, counters.n_recorded, counters.n_disliked) == (1, 1, 1, 1)
    document = asyncio.run(world.store.get_user("u"))
    assert document is not None
    assert document.state is not None
    assert (document.state.recent, document.state.disliked) == (("a",), ("c",))
    assert set(asyncio.run(world.store.seen_items("u", 10))) == {"a", "c"}
    assert "b" not in trainer.state.item_ids


def test_a_low_value_is_a_dislike_where_a_rule_says_so(world: World) -> None:
    stars = [
        {"user_id": "u", "item_id": item, "type": "rating", "value": n} for item, n in (("a", 5), ("b", 1))
    ]
    world.send(*stars, {"user_id": "u", "item_id": "c", "type": "rating"})
    trainer = world.trainer(event_weights={"rating<=2": -1.0})
    trainer.step(3)
    document = asyncio.run(world.store.get_user("u"))
    assert document is not None
    assert document.state is not None
    assert (document.state.recent, document.state.disliked) == (("a", "c"), ("b",))


def test_an_unknown_user_who_only_dislikes_is_no_trouble(world: World) -> None:
    world.send({"user_id": "new", "item_id": "c", "type": "dislike"})
    world.trainer().step()
    document = asyncio.run(world.store.get_user("new"))
    assert document is not None
    assert document.state is not None
    assert document.state.disliked == ("c",)


def test_a_restart_without_a_checkpoint_of_its_own_does_all_again_and_counts_once(world: World) -> None:
    first = world.trainer(checkpoint_interval_s=0.5, max_batch=10)
    world.send(*events(*[(f"u{n % 3}", f"i{n % 9}") for n in range(40)]))
    first.step(2)  # the checkpoint is at 20
    world.clock.now += 0.1
    first.loop._checkpoint_due = 1e18
    first.step(2)  # learned and published, not checkpointed
    assert first.state.counters.n_events == 40
    second = world.trainer("two", is_restored=True, max_batch=10)
    assert second.state.counters.n_events == 20
    second.step(2)
    assert second.state.counters.n_events == 40
    assert second.source.next_offsets() == first.source.next_offsets()
    document = asyncio.run(world.store.get_user("u0"))
    assert document is not None
    assert document.state is not None
    assert document.state.n_events == 14
    with pytest.raises(LeaseLost):
        first.step()


def test_a_checkpoint_brings_back_everything(world: World) -> None:
    world.send(*events(*[(f"u{n % 3}", f"i{n % 9}") for n in range(40)], event_id=None))
    world.send({"user_id": "u1", "item_id": "x", "type": "dislike", "event_id": "e9"})
    first = world.trainer()
    first.step(2)
    first.finish()
    second = world.trainer("two", is_restored=True)
    assert second.state.user_ids.by_row() == first.state.user_ids.by_row()
    assert second.state.counters == first.state.counters
    assert second.state.users.disliked == first.state.users.disliked
    for name, tensor in first.state.learner.state_tensors().items():
        assert second.state.learner.state_tensors()[name].equal(tensor), name
    more = events(*[(f"u{n % 4}", f"i{n % 11}") for n in range(30)])
    world.send(*more, {"user_id": "u1", "item_id": "y", "event_id": "e9"})
    second.step()
    assert second.state.counters.n_repeats == 1


def test_stopping_learns_the_tail_checkpoints_and_commits(world: World) -> None:
    trainer = world.trainer(max_batch=7)
    world.send(*events(*[("u", f"i{n}") for n in range(50)]))
    trainer.finish()
    assert trainer.state.counters.n_events == 50
    group = MemoryEventSource(world.log, [INTERACTIONS], "trainer")
    assert group.committed()[INTERACTIONS] == {0: 50}
    assert world.trainer("two", is_restored=True).source.next_offsets()[INTERACTIONS] == {0: 50}


def test_a_log_shorter_than_the_checkpoint_is_told(world: World) -> None:
    trainer = world.trainer()
    world.send(*events(("u", "a")))
    trainer.finish()
    world.log.records.clear()
    world.log._n_appended.clear()
    with pytest.raises(LogTruncated):
        world.trainer("two", is_restored=True)


def test_a_new_item_starts_among_those_that_share_its_categories(world: World) -> None:
    asyncio.run(world.store.put_items([Item(f"w{n}", categories=("war",)) for n in range(3)]))
    asyncio.run(world.store.put_items([Item(f"c{n}", categories=("comedy",)) for n in range(3)]))
    trainer = world.trainer()
    world.send(*events(*[(f"u{n % 10}", f"w{n % 3}") for n in range(200)]))
    world.send(*events(*[(f"v{n % 10}", f"c{n % 3}") for n in range(200)]))
    trainer.step()
    asyncio.run(world.store.put_items([Item("new", categories=("war",))]))
    world.command("item_changed", "new")
    world.send(*events(("unknown", "new")))
    trainer.step()

    def vector(item_id: str) -> np.ndarray:
        rows = np.array([trainer.state.item_ids.row(item_id)])
        return trainer.state.learner.model.item_vectors(torch.from_numpy(rows)).numpy()[0, :-1]

    def cosine(left: np.ndarray, right: np.ndarray) -> float:
        return float(left @ right / np.linalg.norm(left) / np.linalg.norm(right))

    war, comedy = (np.mean([vector(f"{kind}{n}") for n in range(3)], axis=0) for kind in "wc")
    assert cosine(vector("new"), war) > 0.8 > cosine(vector("new"), comedy)


def test_a_deleted_item_leaves_the_index_and_late_events_do_not_bring_it_back(world: World) -> None:
    trainer = world.trainer()
    world.send(*events(("u", "a"), ("u", "b")))
    trainer.step()
    world.command("item_deleted", "a")
    trainer.step()
    assert world.published_vectors()["a"].vector is None
    world.send(*events(("v", "a"), ("v", "b")))
    trainer.step(2)
    assert world.published_vectors()["a"].vector is None
    assert "a" not in trainer.state.item_ids
    assert trainer.state.counters.n_ignored == 1
    popular = asyncio.run(world.cache.popular("all", 10))
    assert {item.item_id for item in popular} == {"b"}


def test_an_erased_user_leaves_nothing_and_may_come_back_as_an_unknown_user(world: World) -> None:
    trainer = world.trainer()
    world.send(*events(("u", "a"), ("v", "b")))
    trainer.step()
    world.command("user_erased", "u")
    trainer.step()
    assert asyncio.run(world.store.get_user("u")) is None
    assert asyncio.run(world.store.seen_items("u", 10)) == []
    assert trainer.state.user_ids.row("u") == -1
    world.send(*events(("u", "b")))
    trainer.step()
    document = asyncio.run(world.store.get_user("u"))
    assert document is not None
    assert document.state is not None
    assert (document.state.recent, document.state.n_events) == (("b",), 1)


def test_a_user_who_is_erased_and_comes_back_at_once_has_what_came_since(world: World) -> None:
    trainer = world.trainer()
    world.send(*events(("u", "a"), ("v", "b")))
    trainer.step()
    world.command("user_erased", "u")
    world.send(*events(("u", "b")))
    trainer.step()
    document = asyncio.run(world.store.get_user("u"))
    assert document is not None
    assert document.state is not None
    assert (document.state.recent, document.state.n_events) == (("b",), 1)
    assert asyncio.run(world.store.seen_items("u", 10)) == ["b"]


def test_commands_nobody_knows_are_rejected(world: World) -> None:
    world.sink.append(COMMANDS, [Message("x", b"{}")])
    trainer = world.trainer()
    trainer.step()
    assert trainer.state.counters.n_rejected == 1


def test_rankings_are_by_category_too(world: World) -> None:
    films = [Item("a", categories=("war",)), Item("b", categories=("war", "drama"))]
    asyncio.run(world.store.put_items(films))
    trainer = world.trainer()
    world.send(*events(("u", "a"), ("v", "b"), ("w", "b"), ("x", "c")))
    trainer.step(2)
    war = asyncio.run(world.cache.popular("all:war", 10))
    assert [item.item_id for item in war] == ["b", "a"]
    assert [item.item_id for item in asyncio.run(world.cache.popular("all:drama", 10))] == ["b"]


def test_an_event_from_another_clock_does_not_make_the_others_look_old(world: World) -> None:
    trainer = world.trainer()
    world.send(*[{"user_id": f"u{n}", "item_id": "now", "timestamp": 1e6 + n} for n in range(5)])
    world.send({"user_id": "v", "item_id": "later", "timestamp": 9e10})
    world.send(*[{"user_id": f"w{n}", "item_id": "now", "timestamp": 1e6 + 9 + n} for n in range(5)])
    trainer.step(2)
    ranked = asyncio.run(world.cache.popular("day", 10))
    assert [item.item_id for item in ranked] == ["now", "later"]
    assert ranked[0].score > 9.8
