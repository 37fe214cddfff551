"""From events to similar users: trainer, changelog, index, document store and answer."""

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from falcon import testing

from faiss_server.app import create_app
from faiss_server.generations import Generations
from faiss_server.kinds import USERS
from faiss_server.loader import GenerationLoader
from streamrec.adapters.files.snapshots import set_current, write_snapshot
from streamrec.adapters.memory.events import MemoryEventSource
from streamrec.adapters.memory.index import MemoryIndex
from streamrec.domain.items.item import Item
from streamrec.index_protocol import (
    CONTENT_TYPE,
    SEARCH_PATH,
    answer_to,
    decode_answers,
    encode_queries,
)
from streamrec.ports import IndexAnswer, IndexQuery, Snapshot, VectorTable
from streamrec.serving.guard import Guard
from streamrec.serving.similar_users import SimilarUserFinder, SimilarUsers
from streamrec.telemetry import NullMetrics
from tests.builders import GENERATION, LEARNING, RunningTrainer, World, events

N_GROUPS, GROUP_SIZE, PER_GROUP = 5, 6, 6
_LONG_S = 120.0
_NOTHING = VectorTable([], np.zeros((0, LEARNING.embedding_dim + 1), np.float32))


class IndexOverHttp(MemoryIndex):
    """Asks the service's application as the servers' client does."""

    def __init__(self, client: testing.TestClient) -> None:
        super().__init__({GENERATION: _NOTHING})
        self._client = client

    async def search(self, query: IndexQuery) -> IndexAnswer:
        body = encode_queries([query])
        # In a thread: the client runs an event loop of its own.
        result = await asyncio.to_thread(
            self._client.simulate_post, SEARCH_PATH, body=body, headers={"Content-Type": CONTENT_TYPE}
        )
        return answer_to(query, decode_answers(result.content)[0])


class House:
    """A trainer, an index that follows it, and who answers from both."""

    def __init__(self, folder: Path) -> None:
        self.world = World(folder / "trainer")
        self.generations = Generations()
        log = self.world.log
        self.loader = GenerationLoader(
            folder,
            self.generations,
            lambda topic: MemoryEventSource(log, [topic], "index"),
            NullMetrics(),
            time.time,
        )
        write_snapshot(folder, Snapshot(GENERATION, _NOTHING, _NOTHING, {}, 0.0, {}))
        set_current(folder, GENERATION)
        self.loader.step()
        guard = Guard("any", 5.0, NullMetrics())
        index = IndexOverHttp(testing.TestClient(create_app(self.generations, NullMetrics())))
        self._finder = SimilarUserFinder(self.world.store, guard, index, guard)

    def similar(self, user_id: str, k: int = GROUP_SIZE - 1) -> SimilarUsers:
        return asyncio.run(self._finder.similar(user_id, k))

    def names(self, user_id: str, k: int = GROUP_SIZE - 1) -> list[str]:
        return [user.document.user_id for user in self.similar(user_id, k).users]

    def n_indexed(self) -> int:
        return len(self.generations.get().index_of(USERS))


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    yield house
    house.loader.close()


def eventually(is_true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _LONG_S
    while not is_true():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def learned(house: House) -> RunningTrainer:
    """Let users of each group choose the group's items, and now and then another."""
    chance = np.random.default_rng(1)
    users = chance.integers(N_GROUPS * GROUP_SIZE, size=3000)
    items = users % N_GROUPS * PER_GROUP + chance.integers(PER_GROUP, size=3000)
    is_noise = chance.random(3000) < 0.1
    items[is_noise] = chance.integers(N_GROUPS * PER_GROUP, size=int(is_noise.sum()))
    catalog = [
        Item(f"i{item}", categories=(f"c{item // PER_GROUP}",)) for item in range(N_GROUPS * PER_GROUP)
    ]
    asyncio.run(house.world.store.put_items(catalog))
    pairs = [(f"u{user}", f"i{item}") for user, item in zip(users.tolist(), items.tolist(), strict=True)]
    house.world.send(*events(*pairs, value=2.5))
    trainer = house.world.trainer()
    trainer.step(5)
    eventually(lambda: house.n_indexed() == N_GROUPS * GROUP_SIZE)
    return trainer


def group_of(user_id: str) -> int:
    return int(user_id.removeprefix("u")) % N_GROUPS


def test_planted_groups_are_found_with_what_they_do(house: House) -> None:
    learned(house)
    hits = 0
    for user in range(N_GROUPS * GROUP_SIZE):
        answer = house.similar(f"u{user}")
        assert answer.reason is None
        assert f"u{user}" not in [other.document.user_id for other in answer.users]
        hits += sum(group_of(other.document.user_id) == user % N_GROUPS for other in answer.users)
    assert hits / (N_GROUPS * GROUP_SIZE * (GROUP_SIZE - 1)) >= 0.9
    everybody = house.names("u3", 1000)
    assert len(set(everybody)) == len(everybody) == N_GROUPS * GROUP_SIZE - 1
    state = house.similar("u3").users[0].document.state
    assert state is not None
    most = state.profile.categories[0]
    assert (most.name, most.mean_value) == ("c3", 2.5)


def test_the_erased_leave_the_answers_at_once_and_the_index_soon(house: House) -> None:
    trainer = learned(house)
    gone = house.names("u0")[0]
    asyncio.run(house.world.store.erase_user(gone))
    assert gone not in house.names("u0", 1000)
    house.world.command("user_erased", gone)
    trainer.step(2)
    eventually(lambda: house.n_indexed() == N_GROUPS * GROUP_SIZE - 1)
    trainer.step(3)
    assert house.n_indexed() == N_GROUPS * GROUP_SIZE - 1


def test_a_newcomer_is_among_those_who_choose_alike_within_a_second_or_two(house: House) -> None:
    trainer = learned(house)
    house.world.send(*events(*[("new", f"i{item}") for item in range(PER_GROUP)]))
    trainer.step(2)
    eventually(lambda: house.similar("new").reason is None)
    assert {group_of(user_id) for user_id in house.names("new")} == {0}
    assert house.similar("u0", 1000).reason is None
    assert "new" in house.names("u0", GROUP_SIZE)
