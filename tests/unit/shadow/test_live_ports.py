"""The trainer's state answers as what it published does."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from streamrec.adapters.memory.index import MemoryIndex
from streamrec.domain.sources.popular import WINDOWS
from streamrec.domain.sources.table import first_blend
from streamrec.ports import ById, ByVector, UserProfile, VectorTable
from streamrec.serving.recommender import UNKNOWN_USER
from streamrec.shadow.live_ports import LiveCache, LiveIndex, LiveUsers
from tests.builders import GENERATION, RunningTrainer, World, events

N_USERS, N_ITEMS = 12, 60


class Published:
    """A trainer that has told all that it knows, and what its state says by itself."""

    def __init__(self, folder: Path) -> None:
        self.world = World(folder)
        self.trainer: RunningTrainer = self.world.trainer(evaluations_per_s=1000.0)
        chance = np.random.default_rng(4)
        for _ in range(6):
            users = chance.integers(0, N_USERS, 60).tolist()
            items = (N_ITEMS * chance.random(60) ** 2).astype(int).tolist()
            self.world.send(*events(*((f"u{n}", f"i{m}") for n, m in zip(users, items, strict=True))))
            self.world.send(*events(("u1", f"i{len(self.world.records('interactions')) % 9}")))
            self.trainer.step()
        self.world.send(*events(("u0", "i7"), ("u0", "i3"), type="dislike"))
        # Everybody once more: a vector holds the last items, and those moved since.
        self.world.send(*events(*((f"u{n}", "i0") for n in range(N_USERS))))
        self.trainer.step(400)
        state = self.trainer.state
        self.users = LiveUsers(state)
        self.cache = LiveCache(state, 200)
        self.index = LiveIndex(state)
        vectors = self.world.published_vectors()
        rows = np.stack([np.frombuffer(record.vector or b"", "<f4") for record in vectors.values()])
        self.published_index = MemoryIndex({GENERATION: VectorTable(list(vectors), rows)})

    async def profile(self, user_id: str, *, with_seen: bool = True) -> UserProfile:
        """Return what the state says of a user."""
        return (await self.users.profile(user_id, with_seen=with_seen)).value


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Published]:
    made = Published(tmp_path_factory.mktemp("published"))
    yield made
    made.trainer.finish()


async def test_a_profile_is_the_published_document(published: Published) -> None:
    for user_id in (f"u{n}" for n in range(N_USERS)):
        stored = await published.world.store.get_profile(user_id, 1000)
        live = await published.profile(user_id)
        assert live.document is not None
        assert stored.document is not None
        assert live.document.state is not None
        assert stored.document.state is not None
        assert live.document.state.recent == stored.document.state.recent
        assert live.document.state.disliked == stored.document.state.disliked
        assert live.document.state.n_events == stored.document.state.n_events
        # What is disliked is never offered, whether or not it stands among the seen.
        disliked = live.document.state.disliked
        assert {*live.seen, *disliked} == {*stored.seen, *disliked}
        mine, theirs = (
            np.frombuffer(state.vector or b"", "<f4")
            for state in (live.document.state, stored.document.state)
        )
        assert mine == pytest.approx(theirs, abs=0.05)  # others' events moved what both chose meanwhile


async def test_who_asks_for_no_seen_items_gets_none(published: Published) -> None:
    assert (await published.profile("u1")).seen
    assert (await published.profile("u1", with_seen=False)).seen == []


async def test_nobody_is_a_stranger(published: Published) -> None:
    assert await published.profile("nobody") is UNKNOWN_USER


async def test_who_chose_more_than_is_remembered_has_all_of_it_seen(published: Published) -> None:
    state = published.trainer.state
    state.n_recent, remembered = 5, state.n_recent
    try:
        for user_id in ("u1", "u2"):
            stored = await published.world.store.get_profile(user_id, 1000)
            assert len(stored.seen) > state.n_recent
            assert set((await published.profile(user_id)).seen) == set(stored.seen)
    finally:
        state.n_recent = remembered


async def test_rankings_are_the_published_ones(published: Published) -> None:
    for window in WINDOWS:
        stored = await published.world.cache.popular(window, 50)
        live = await published.cache.popular(window, 50)
        assert [item.item_id for item in live] == [item.item_id for item in stored]
        assert [item.score for item in live] == pytest.approx([item.score for item in stored])
        assert len(live) > 20
    assert await published.cache.popular("no such window", 50) == []


async def test_neighbours_are_the_published_ones(published: Published) -> None:
    ids = [f"i{n}" for n in range(N_ITEMS)]
    stored = await published.world.cache.neighbours(ids)
    live = await published.cache.neighbours([*ids, "unknown"])
    assert live.keys() == stored.keys()
    assert len(live) > 40
    for item_id, of_item in live.items():
        assert of_item.item_ids == stored[item_id].item_ids
        # Counts fade between two publications.
        assert of_item.similarities == pytest.approx(stored[item_id].similarities, rel=1e-3)


async def test_the_index_finds_what_the_published_vectors_say(published: Published) -> None:
    live, stored = published.index, published.published_index
    document = (await published.profile("u3")).document
    assert document is not None
    assert document.state is not None
    assert document.state.vector is not None
    for query in (
        ByVector(document.state.vector, 10, exclude=["i0", "unknown"], generation=GENERATION),
        ByVector(document.state.vector, 1000, generation=GENERATION),
    ):
        mine, theirs = await live.search(query), await stored.search(query)
        assert list(mine.ids) == list(theirs.ids)
        assert list(mine.scores) == pytest.approx(list(theirs.scores), abs=1e-4)
        assert mine.generation == GENERATION
    found = await live.vectors(["i1", "unknown"])
    assert found == await stored.vectors(["i1", "unknown"], GENERATION)


async def test_what_it_does_not_know_is_missing(published: Published) -> None:
    answer = await published.index.search(ById("unknown", 3))
    assert (list(answer.ids), answer.is_missing) == ([], True)


async def test_the_blend_is_the_published_one(published: Published) -> None:
    blend = await published.world.cache.blend()
    assert blend == await published.cache.blend()
    assert blend is not None
    assert blend.n_learned > 20
    assert blend.weights != first_blend().published().weights
