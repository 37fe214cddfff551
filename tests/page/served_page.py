"""A recommender that serves the page over HTTP, with what a trainer has learned and told of itself."""

import asyncio
import socket
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import falcon.asgi
import numpy as np
import uvicorn

from recommender_server.app import Parts, Rules, create_app
from recommender_server.own_data.own_files import Tools
from recommender_server.own_data.schemas import LiveModel
from streamrec.adapters.memory.index import MemoryIndex
from streamrec.domain.items.item import Item
from streamrec.ports import VectorTable
from streamrec.publishing.views import vector_table
from streamrec.telemetry import NullMetrics
from streamrec.web.api_keys import ApiKeys
from tests.builders import GENERATION, World, events

N_ITEMS = 40
N_ROUNDS = 70
PER_ROUND = 8

SCRIPT = "<script>window.broken = 1</script>"
ODD_USER = 'a/b?c#d "e" <img src=x onerror="window.broken=1">&é\U0001f3ac'
ODD_ITEM = "odd/\"item'<script>window.broken=1</script>?x=1#y"

LIVE = LiveModel("20261101T080000Z-abc123", "ml-100k", 1_790_000_000.0, 0.123)

_STARTED_WITHIN_S = 60.0


def title_of(number: int) -> str:
    """Return what an item is called; some have titles that a page must not read as markup."""
    odd = {3: SCRIPT, 5: "Quotes \" and ' and / and \\", 7: "Ünïcødé \U0001f3ac " + "long " * 60}
    return odd.get(number, f"Film {number}")


def item_of(number: int) -> Item:
    """Return an item with metadata."""
    item_id = ODD_ITEM if number == 3 else f"i{number}"
    kinds = ("Drama", "Comedy", "Crime", "Sci-Fi")
    return Item(
        item_id, "film", title_of(number), categories=(kinds[number % 4],), attributes={"year": 1990 + number}
    )


class Learned(NamedTuple):
    """A world in which a trainer has learned, and the vectors of then."""

    world: World
    items: VectorTable
    users: VectorTable


def learned(folder: Path, n_rounds: int = N_ROUNDS) -> Learned:
    """Return a world in which a trainer has learned for some minutes, up to now by the clock."""
    world = World(folder)
    world.clock.now = time.time() - 10 - n_rounds
    rng = np.random.default_rng(7)
    items = [item_of(number) for number in range(N_ITEMS)]
    asyncio.run(world.store.put_items(items))
    trainer = world.trainer(evaluations_per_s=1e6, max_batch=PER_ROUND)
    users = [ODD_USER, *(f"u{number}" for number in range(9))]
    for number in range(n_rounds):
        chosen = [(users[rng.integers(len(users))], int(rng.integers(N_ITEMS - 5))) for _ in range(PER_ROUND)]
        world.send(*events(*((user, items[item].item_id) for user, item in chosen)))
        if number % 30 == 7:
            world.send(b"garbage", b'{"user_id": "x"}')
        trainer.step()
    alike = VectorTable(users[:5], rng.normal(size=(5, 8)).astype("<f4"))
    return Learned(world, vector_table(trainer.state, of_users=False), alike)


def app_over(
    made: Learned,
    key_file: Path | None = None,
    admin_file: Path | None = None,
    *,
    cache: Any = None,
    cors_origins: tuple[str, ...] = (),
    own_data: Path | None = None,
) -> Any:
    """Return the recommender's app over the world, or with another cache; it takes files into a folder."""
    keys, admins = [None if path is None else ApiKeys(path) for path in (key_file, admin_file)]
    world, index = made.world, MemoryIndex({GENERATION: made.items}, {GENERATION: made.users})
    parts = Parts(world.store, cache or world.cache, index, world.sink, NullMetrics())
    command = [sys.executable, "-m", "streamrec", "own-data"]
    tools = None if own_data is None else Tools(own_data, command, [], lambda: LIVE, 1_000_000)
    return create_app(parts, Rules(keys=keys, admin_keys=admins, cors_origins=cors_origins, own_data=tools))


@contextmanager
def serving(app: falcon.asgi.App[Any, Any], port: int = 0) -> Iterator["Served"]:
    """Serve an app until the block ends, at a free port or at this one."""
    served = Served(app, port)
    try:
        yield served
    finally:
        served.stop()


class Served:
    """An app on a port of 127.0.0.1, a free one where it is 0, in a thread."""

    def __init__(self, app: falcon.asgi.App[Any, Any], port: int = 0) -> None:
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(("127.0.0.1", port))
        self.port = self._socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        # uvloop starts processes, as uploads need them, in the main thread alone.
        config = uvicorn.Config(app, loop="asyncio", log_level="error", timeout_graceful_shutdown=1)
        self._server = uvicorn.Server(config)
        sockets: Sequence[socket.socket] = [self._socket]
        self._thread = threading.Thread(target=self._server.run, args=(list(sockets),), daemon=True)
        self._thread.start()
        deadline = time.monotonic() + _STARTED_WITHIN_S
        while not self._server.started:
            assert time.monotonic() < deadline, "the server did not start"
            time.sleep(0.01)

    def stop(self) -> None:
        """End it; nobody answers at its address any more."""
        self._server.should_exit = True
        self._thread.join(_STARTED_WITHIN_S)
        self._socket.close()
