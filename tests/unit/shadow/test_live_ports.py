"""The trainer's state answers as what it published does."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from streamrec.adapters.memory.index import MemoryIndex
from streamrec.domain.sources.findings import Findings, Nearest
from streamrec.domain.sources.popular import WINDOWS
from streamrec.domain.sources.request_context import RequestContext
from streamrec.domain.sources.source import NEAREST, NEIGHBOURS, Need
from streamrec.domain.sources.table import first_blend
from streamrec.ports import UserProfile, VectorTable
from streamrec.publishing.views import blend_of
from streamrec.serving.guard import Guard
from streamrec.serving.recommender import UNKNOWN_USER
from streamrec.serving.sources.reading import ServedReader
from streamrec.shadow.live_ports import LiveUsers, StateReader
from streamrec.telemetry import NullMetrics
from tests.builders import GENERATION, WEIGHTS, RunningTrainer, World, events

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
        self.reader = StateReader(state, 200)
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
    assert await published.profile("nobody") == UNKNOWN_USER._replace(cohorts=())


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
        numbers, scores = published.reader.popular(window)
        live_ids = published.trainer.state.item_ids.ids_at(numbers.tolist())
        assert live_ids[:50] == [item.item_id for item in stored]
        assert scores[:50].tolist() == pytest.approx([item.score for item in stored])
        assert len(live_ids) > 20
    assert not len(published.reader.popular("no such window").numbers)


async def test_neighbours_are_the_published_ones(published: Published) -> None:
    ids = [f"i{n}" for n in range(N_ITEMS)]
    stored = await published.world.cache.neighbours(ids)
    live = {
        item_id: near
        for item_id, near in published.reader.neighbours([*ids, "unknown"]).items()
        if len(near.numbers)
    }
    assert live.keys() == stored.keys()
    assert len(live) > 40
    for item_id, near in live.items():
        assert published.trainer.state.item_ids.ids_at(near.numbers.tolist()) == stored[item_id].item_ids
        # Counts fade between two publications.
        assert near.similarities.tolist() == pytest.approx(stored[item_id].similarities, rel=1e-3)


@pytest.mark.parametrize("n", [10, 1000])
async def test_what_is_nearest_is_what_the_published_vectors_say(published: Published, n: int) -> None:
    document = (await published.profile("u3")).document
    assert document is not None
    assert document.state is not None
    guards = (Guard(name, 60.0, NullMetrics()) for name in ("cache", "index"))
    served = ServedReader(published.world.cache, next(guards), published.published_index, next(guards))
    of_user = RequestContext(
        vector=document.state.vector, generation=GENERATION, banned=frozenset(("i0", "unknown"))
    )
    for context in (of_user, RequestContext(item_id="i3", banned=frozenset(("i3",)))):
        found = [await reader.read(context, {NEAREST}, n) for reader in (published.reader, served)]
        (mine, my_ids), (theirs, their_ids) = map(nearest_of, found)
        assert my_ids == their_ids
        assert len(my_ids) >= 10
        assert mine.ranking.scores == pytest.approx(theirs.ranking.scores, abs=1e-4)
        assert mine.generation == theirs.generation == GENERATION
    vectors = (await published.reader.vectors(["i1", "unknown"], GENERATION)).value
    assert vectors == await published.published_index.vectors(["i1", "unknown"], GENERATION)


def nearest_of(found: Findings) -> tuple[Nearest, list[str]]:
    assert found.nearest is not None
    return found.nearest, found.items.ids_at(found.nearest.ranking.numbers.tolist())


async def test_an_item_that_nobody_knows_has_nothing_near(published: Published) -> None:
    context = RequestContext(item_id="unknown", recent=("unknown",))
    found = await published.reader.read(context, {NEAREST, NEIGHBOURS}, 3)
    assert (found.nearest, found.neighbours) == (None, {})
    assert not await published.reader.knows("unknown")
    assert await published.reader.knows("i1")


async def test_the_blend_is_the_published_one(published: Published) -> None:
    blend = await published.world.cache.blend()
    assert blend == blend_of(published.trainer.state, WEIGHTS)
    assert blend is not None
    assert blend.n_learned > 20
    assert blend.weights != first_blend().published().weights


def test_what_was_deleted_is_in_no_ranking_from_then_on_whoever_has_its_row(tmp_path: Path) -> None:
    made = Published(tmp_path)
    state, needs = made.trainer.state, {Need("rankings", "all")}

    def ranked() -> list[int]:
        found = asyncio.run(made.reader.read(RequestContext(), needs, 10))
        numbers: list[int] = found.rankings["all"].numbers.tolist()
        return numbers

    first, *others = ranked()
    gone = state.item_ids.id_at(first)
    assert gone is not None
    assert state.item_ids.release(gone) == first
    state.popularity.forget_items(np.array([first]))
    assert state.item_ids.add("somebody else's") == first
    assert ranked() == others
    made.trainer.finish()
