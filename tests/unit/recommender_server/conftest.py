"""The app over parts in memory."""

from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from recommender_server.app import Parts, Rules, create_app
from streamrec.adapters.memory.cache import MemoryCache
from streamrec.adapters.memory.events import MemoryEventLog, MemoryEventSink
from streamrec.adapters.memory.index import MemoryIndex
from streamrec.adapters.memory.store import MemoryStore
from streamrec.domain.users.user import UserState
from streamrec.ports import RankedItem, UserUpdates, VectorTable
from streamrec.telemetry import NullMetrics
from streamrec.web.api_keys import ApiKeys
from tests.asgi_client import Client

VECTOR = np.array([1.0, 1.0], "<f4").tobytes()
MAX_BODY_BYTES = 10_000


class Server:
    def __init__(self, key_file: Path) -> None:
        self.log = MemoryEventLog()
        self.store = MemoryStore()
        self.cache = MemoryCache()
        self.key_file = key_file
        ids = [f"i{row}" for row in range(20)]
        items = VectorTable(ids, np.array([[row, 0] for row in range(20)], np.float32))
        users = VectorTable(["u", "v", "erased"], np.array([[1, 1], [2, 1], [3, 1]], np.float32))
        index = MemoryIndex({"g1": items}, {"g1": users})
        self.cache.publish_popular({"recent": [RankedItem(item_id, 1.0) for item_id in reversed(ids)]})
        lease = self.store.acquire("trainer", "test", 10.0, 0.0)
        assert lease is not None
        states = [UserState("u", "g1", VECTOR, ("i1",), ("i2",), 3, 5.0), UserState("user/2", "g1", None)]
        self.store.publish_users(UserUpdates(states, [("u", "i1", 5.0)]), lease)
        self.parts = Parts(self.store, self.cache, index, MemoryEventSink(self.log), NullMetrics())
        rules = Rules(max_body_bytes=MAX_BODY_BYTES)
        self.client = Client(create_app(self.parts, rules))
        self.guarded = Client(create_app(self.parts, rules._replace(keys=ApiKeys(key_file))))


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    made = Server(tmp_path / "keys")
    yield made
    await made.client.shut_down()
    await made.guarded.shut_down()
