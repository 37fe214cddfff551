"""The whole system in one process, every stage of it driven, and what it says to statsd meanwhile."""

import asyncio
import contextlib
import itertools
import shutil
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from falcon import testing

import faiss_server.app
import recommender_server.app
from faiss_server.generations import Generations
from faiss_server.kinds import ITEMS, USERS
from faiss_server.loader import GenerationLoader
from faiss_server.sources import sources_of
from recommender_server.app import Parts, Rules
from streamrec.adapters.files.roles import SnapshotRoles
from streamrec.adapters.files.snapshots import set_current, write_snapshot
from streamrec.adapters.memory.cache import MemoryCache
from streamrec.adapters.memory.events import MemoryEventLog, MemoryEventSink, MemoryEventSource
from streamrec.adapters.memory.index import MemoryIndex
from streamrec.adapters.memory.store import MemoryStore
from streamrec.adapters.statsd.metrics import StatsdMetrics
from streamrec.attribution.context import CHECKPOINT_FILE
from streamrec.attribution.run import run_attribution
from streamrec.bars.run import run_bars
from streamrec.cli.doctor.probes import probe_statsd
from streamrec.cli.training.attribution import logs_of
from streamrec.cli.training.bars import cache_of, sources_of_ticks
from streamrec.cli.training.forward_clock import ForwardClock
from streamrec.cli.training.sinks import open_sinks, sources_of_events
from streamrec.domain.bars.bar import BarsUpdate
from streamrec.domain.experiments.definition import Changes, Experiment, Guardrail, Variant
from streamrec.domain.experiments.exposure import Exposure
from streamrec.domain.generations.challenger import ChallengerStatus
from streamrec.domain.ranking.recommendation import RecommendedItem
from streamrec.domain.sources.table import first_blend
from streamrec.domain.users.user import UserState
from streamrec.errors import Damaged, StreamrecError, Unavailable, UnknownId, UnsoundModel
from streamrec.learning.reverts import Reverts
from streamrec.learning.state.checkpoints import Checkpoints
from streamrec.ports import (
    COMMANDS,
    INTERACTIONS,
    ITEM_VECTORS,
    USER_VECTORS,
    IndexAnswer,
    ItemQuery,
    Message,
    Metrics,
    Neighbours,
    RankedItem,
    Snapshot,
    UserUpdates,
    VectorTable,
)
from streamrec.process.scoped_metrics import ScopedMetrics, metrics_of
from streamrec.process.status import TrainerStatus
from streamrec.process.stop import StopRequest
from streamrec.publishing.publisher import Sinks
from streamrec.serving.experiments.exposure_log import ExposureLog
from streamrec.serving.exposures.counting import MAX_COUNTS, Exposures
from streamrec.serving.exposures.user_steps import MAX_WAITING
from streamrec.settings.processes import LearningSettings, LocationSettings, TrainerSettings
from streamrec.trainer.housekeeping import Housekeeping
from streamrec.trainer.run import run_trainer
from streamrec.trainer.trainer_process import TrainerProcess
from streamrec.web.api_keys import ApiKeys
from streamrec.web.rates import RateLimit
from streamrec.wire import MAX_EVENT_BYTES, VectorRecord, encode_vector
from tests.asgi_client import Client
from tests.attribution_world import AttributionWorld, experiment, shown
from tests.bars_world import BarsWorld, tick
from tests.builders import GENERATION, World, events
from tests.two_generations import NEW, OLD, TwoGenerations

_LONG_S = 180.0


class Figure(NamedTuple):
    """A metric as it arrived: kind is ``c``, ``g`` or ``ms``; the name is without our prefix."""

    kind: str
    name: str


class Collected:
    """A way to statsd on which nothing is lost: a socket drops what nobody reads in time."""

    def __init__(self) -> None:
        self.found: set[Figure] = set()

    def look_up_if_due(self) -> None:
        """Nothing has to be resolved."""

    def wait_for_address(self, _timeout_s: float) -> None:
        """Nothing has to be resolved."""

    def send(self, data: bytes) -> None:
        """Read a datagram."""
        self.found |= figures_in(data)

    def close(self) -> None:
        """Nothing to release."""


def drive_servers_of_others(folder: Path, metrics: Metrics) -> None:
    """Let adapters of Kafka and Redis, opened as each process does, count what they pass over or replace."""
    locations = LocationSettings(
        events_url="kafka://127.0.0.1:1",
        vectors_url="kafka://127.0.0.1:1",
        store_url=f"sqlite:///{folder}/store.db",
        cache_url="redis://127.0.0.1:1/0",
    )
    of_bars = ScopedMetrics(metrics, "history")
    attributed = logs_of(
        locations,
        ScopedMetrics(metrics, "attribution"),
        ForwardClock(time.time, time.monotonic),
        10.0,
        "attribution",
    )
    sources: list[Any] = [
        sources_of_events(locations, metrics)("trainer"),
        sources_of_events(locations, metrics)("trainer-challenger"),
        sources_of_ticks(locations, of_bars)("history"),
        sources_of(locations, metrics)(ITEM_VECTORS),
    ]
    sinks: Any = open_sinks(locations, metrics)
    of_ticks: Any = cache_of(locations, of_bars)
    sources += [attributed._events, attributed._lists]
    for source in sources:
        source._count_damaged(1)
    for cache in (sinks.cache, of_ticks):
        cache._count_replaced(1)
    for part in (*sources, *sinks, of_ticks):
        part.close()


def sent_by_the_system(folder: Path) -> set[Figure]:
    """Drive every stage, and return each metric that was sent to statsd."""
    way = Collected()
    metrics = StatsdMetrics(way)  # type: ignore[arg-type]
    try:
        drive_trainer(folder / "trainer", metrics)
        drive_promotion(folder / "promotion", metrics)
        Housekeeping({"done": lambda: 1, "failing": fail}, 1.0, metrics_of("champion", metrics)).do_all()
        Reverts().note(UnsoundModel("a row is not finite"), metrics_of("champion", metrics))
        drive_history(folder / "history", metrics)
        drive_attribution(folder / "attribution", metrics)
        drive_index(folder / "index", metrics)
        drive_recommender(metrics)
        drive_exposures(metrics)
        asyncio.run(_experiment(metrics))
        drive_servers_of_others(folder, metrics)
    finally:
        metrics.close()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as statsd:
        statsd.bind(("127.0.0.1", 0))
        probe_statsd(f"statsd://127.0.0.1:{statsd.getsockname()[1]}")
        return way.found | figures_waiting(statsd)


def figures_waiting(statsd: socket.socket) -> set[Figure]:
    """Read what has arrived."""
    found: set[Figure] = set()
    statsd.settimeout(0.5)
    with contextlib.suppress(TimeoutError):
        while True:
            found |= figures_in(statsd.recv(65536))
    return found


def figures_in(datagram: bytes) -> set[Figure]:
    """Return the figures of a datagram."""
    found: set[Figure] = set()
    for line in datagram.decode().split("\n"):
        name, _, figure = line.partition(":")
        assert name.startswith("streamrec."), line
        found.add(Figure(figure.partition("|")[2], name.removeprefix("streamrec.")))
    return found


MISFITS = (
    b"no json",
    b"",
    b'{"user_id": "u"}',
    b'{"user_id": "", "item_id": "i"}',
    b'{"user_id": "u", "item_id": "i", "timestamp": "noon"}',
    b'{"user_id": "u", "item_id": "i", "value": "much"}',
    b"x" * (MAX_EVENT_BYTES + 1),
)


class FailingOnce:
    """Another part's stand-in, whose method `name` fails the first time."""

    def __init__(self, part: Any, name: str) -> None:
        self._part = part
        self._name = name
        self._is_new = True

    def __getattr__(self, name: str) -> Any:
        return self._call if name == self._name else getattr(self._part, name)

    def _call(self, *arguments: Any) -> Any:
        if self._is_new:
            self._is_new = False
            raise Unavailable("not yet")
        return getattr(self._part, self._name)(*arguments)


class AnsweringOnce:
    """An index that answers the first search, and none after it."""

    def __init__(self) -> None:
        self._answers = [IndexAnswer("g1", ["i"], [1.0])]

    def search(self, _query: ItemQuery) -> IndexAnswer:
        if not self._answers:
            raise Unavailable("gone")
        return self._answers.pop()

    def close(self) -> None:
        """Nothing to release."""


class FailingCheckpoints:
    """A full disk."""

    def begin(self, *_checkpoint: object) -> None:
        """Leave it to `write`."""

    def write(self, *_checkpoint: object) -> None:
        raise Unavailable("the disk is full")


def drive_trainer(folder: Path, metrics: Metrics) -> None:
    """Every step of the loop, each kind of misfit, and every part failing once."""
    world = World(folder, metrics)
    world.checkpoints = Checkpoints(folder, GENERATION, most_at_once=0)
    world.index = AnsweringOnce()
    active = world.trainer(checkpoint_interval_s=2.0, evaluations_per_s=1000.0, max_users=3, max_items=3)
    active.loop._context = _replaced(active.context, source=FailingOnce(active.source, "poll"))
    active.loop._commits._source = FailingOnce(active.source, "commit")
    world.send(*events(("u", "i"), ("v", "i"), ("w", "j")), *MISFITS)
    world.send(
        {"user_id": "u", "item_id": "k", "event_id": "once"}, {**events(("u", "k"))[0], "event_id": "once"}
    )
    world.sink.append(COMMANDS, [Message("i", b"no command")])
    active.step()
    world.send(*events(("u", "j"), ("v", "k"), ("erased", "i")))
    world.erase("erased")
    active.step(4)
    while active.loop._checkpointing.is_under_way:
        active.step()
    handler: Any = active.loop._handler
    handler._context = _replaced(active.context, checkpoints=FailingCheckpoints())
    world.send(*events(("w", "i")))
    active.step(4)
    handler._context = active.context
    active.publisher._sinks = active.publisher._sinks._replace(
        cache=FailingOnce(world.cache, "publish_popular")
    )
    active.step()
    stand_by(world)
    active.finish()


def _replaced(context: Any, **parts: Any) -> Any:
    return type(context)(**{**vars(context), **parts})


def stand_by(world: World) -> None:
    """Let a second trainer wait for the lease for a moment."""
    stop, status = StopRequest(), TrainerStatus()
    (world.folder / "CURRENT").write_text("g1\n")
    process = TrainerProcess(
        open_source=lambda group: MemoryEventSource(world.log, [COMMANDS, INTERACTIONS], group),
        sinks=Sinks(world.sink, world.sink, world.store, world.cache),
        metrics=world.metrics,
        artifacts_dir=world.folder,
        roles=SnapshotRoles(world.folder),
        learning=LearningSettings(embedding_dim=8),
        settings=TrainerSettings(),
        owner="another",
        start="checkpoint",
        stop=stop,
        status=status,
        clock=world.clock,
    )
    thread = threading.Thread(target=run_trainer, args=(process,))
    thread.start()
    while status.state != "standing by":
        assert thread.is_alive()
        time.sleep(0.01)
    stop.is_stopping.set()
    thread.join()


def fail() -> int:
    """Not be able to."""
    raise Unavailable("the disk is full")


def drive_promotion(folder: Path, metrics: Metrics) -> None:
    """Two trainers, of a champion and its challenger, a third that waits, and what is asked of them."""
    two = TwoGenerations(folder, metrics)
    two.index = AnsweringOnce()
    trainers = [
        two.start("champion", "one"),
        two.start("challenger", "two"),
        two.start("challenger", "three"),
    ]
    try:
        eventually(lambda: trainers[0].is_at("champion", OLD))
        eventually(lambda: any(trainer.is_at("challenger", NEW) for trainer in trainers))
        two.send(("u", "i"), ("v", "j"))
        two.sink.append(INTERACTIONS, [Message("key", b"no event")])
        eventually(lambda: two.log.committed.get(("trainer-challenger", INTERACTIONS)) == 3)
        two.send(("u", "j"), ("v", "i"), ("u", "k"))
        eventually(lambda: two.log.committed.get(("trainer-challenger", INTERACTIONS)) == 6)
        two.command("rollback")
        two.command("promote")
        eventually(lambda: two.roles.champion == NEW and two.roles.under_way is None)
    finally:
        for trainer in trainers:
            trainer.end()


class AwayAtFirst(MemoryCache):
    """A cache that does not answer at first, while nothing can be written to the folder either."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder
        self._is_new = True

    def publish_bars(self, update: BarsUpdate) -> None:
        if self._is_new:
            self._is_new = False
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder.write_text("in the way")
            raise Unavailable("not yet")
        if self._folder.is_file():
            self._folder.unlink()
        super().publish_bars(update)


def drive_history(folder: Path, metrics: Metrics) -> None:
    """Every step of the loop, each kind of record, and every part failing once."""
    world = BarsWorld(folder, metrics)
    world.publisher = AwayAtFirst(folder)
    world.store.acquire("history", "another", 0.5, world.now)
    world.store = FailingOnce(world.store, "acquire")  # type: ignore[assignment]
    once = tick("a", 9000.0, 1, event_id="once")
    world.send(once, once, tick("b", 1.0, 1), tick("a", 9e9, 1), tick("a", 9000.0, None), b"no json")
    world.send(tick("a", 9000.0, 1, type="dislike"), tick("b", 9000.0, 1))
    settings: dict[str, Any] = {
        "publish_interval_s": 0.001,
        "checkpoint_interval_s": 0.001,
        "lease_duration_s": 0.1,
    }
    process = world.process(30, max_items=1, max_batch=2, **settings)

    def clock() -> float:
        world.now += 0.05
        return world.now

    def open_source(group: str) -> Any:
        return FailingOnce(process.open_source(group), "commit")

    run_bars(_replaced(process, clock=clock, open_source=open_source))


def drive_attribution(folder: Path, metrics: Metrics) -> None:
    """Every step of the loop, each kind of record, a broken guardrail, and every part failing once."""
    world = AttributionWorld(folder, metrics)
    world.define(experiment(guardrails=(Guardrail("clicks", 0.1),), window_s=2.0, outcome_s=2.0))
    world.store.acquire("attribution", "another", 0.5, world.now)
    world.show(b"no json", shown("u", world.now, "i", experiments=[]))
    world.fill(300)
    world.click("nobody", "i", event_id="once")
    store: Any = world.store
    for name in ("acquire", "read_experiments", "write_results"):
        store = FailingOnce(store, name)
    process = world.process(300, lease_duration_s=0.1, checkpoint_interval_s=0.001, results_interval_s=0.01)

    def clock() -> float:
        world.now += 0.05
        return world.now

    checkpoint, n_written = folder / CHECKPOINT_FILE, itertools.count()

    def open_logs(group: str) -> Any:
        return FailingOnce(process.open_logs(group), "commit")

    def write(*given: Any) -> Any:
        if next(n_written) == 0:
            checkpoint.unlink()
            checkpoint.mkdir()  # in the way of the next one
            world.send(b"", b"")
        elif checkpoint.is_dir():
            checkpoint.rmdir()
        return process.results_of(*given)

    forward = ForwardClock(clock, clock)
    run_attribution(_replaced(process, clock=forward, store=store, results_of=write, open_logs=open_logs))


def drive_index(folder: Path, metrics: Metrics) -> None:
    """Load, follow, search, and refuse."""
    log = MemoryEventLog()
    generations = Generations()
    loader = GenerationLoader(
        folder, generations, lambda topic: MemoryEventSource(log, [topic], "index"), metrics, time.time
    )
    no_file = faiss_server.app.Rules(keys=ApiKeys(Path("/nowhere/keys"), metrics, "index"))
    refusing = testing.TestClient(faiss_server.app.create_app(generations, metrics, no_file))
    assert refusing.simulate_get("/v1/stats").status_code == 401
    client = testing.TestClient(faiss_server.app.create_app(generations, metrics))
    assert client.simulate_post("/v1/search", json={"vectors": [[1, 1]]}).status_code == 503
    folder.mkdir()
    (folder / "CURRENT").write_text("g0\n")
    with pytest.raises(UnknownId):
        loader.step()
    items = VectorTable(["a", "b"], np.eye(2, dtype=np.float32))
    write_snapshot(
        folder, Snapshot("g1", items, VectorTable(["u"], np.ones((1, 2), np.float32)), {}, 1.0, {})
    )
    set_current(folder, "g1")
    loader.step()
    try:
        vector = encode_vector(VectorRecord("g1", np.ones(2, "<f4").tobytes(), time.time()))
        MemoryEventSink(log).append(ITEM_VECTORS, [Message("c", vector), Message("d", b"no vector")])
        MemoryEventSink(log).append(USER_VECTORS, [Message("v", vector), Message("w", b"no vector")])
        newer = encode_vector(VectorRecord("g1", np.ones(2, "<f4").tobytes(), time.time(), token=1))
        for topic in (ITEM_VECTORS, USER_VECTORS):
            messages = [Message("next", newer), Message("stale", vector), Message("last", newer)]
            MemoryEventSink(log).append(topic, messages)
        eventually(lambda: len(generations.get().index_of(ITEMS)) == 5)
        eventually(lambda: len(generations.get().index_of(USERS)) == 3)
        loader.maintain()
        assert client.simulate_post("/v1/search", json={"vectors": [[1, 1]]}).status_code == 200
        assert client.simulate_get("/v1/items/nobody/similar").status_code == 404
        assert client.simulate_get("/v1/items/a/similar").status_code == 200
        assert client.simulate_get("/v1/users/v/similar").status_code == 200
    finally:
        loader.close()


def eventually(is_true: Callable[[], bool]) -> None:
    """Wait for it."""
    deadline = time.monotonic() + _LONG_S
    while not is_true():
        assert time.monotonic() < deadline
        time.sleep(0.005)


class Down:
    """A part whose every call fails."""

    def __init__(self, error: StreamrecError | None = None) -> None:
        self._error = error or Unavailable("down")

    def __getattr__(self, _name: str) -> Any:
        async def fail(*_arguments: object) -> None:
            raise self._error

        return fail


def drive_exposures(metrics: Metrics) -> None:
    """Show more items than counts may wait for, and to more users than steps may wait of."""
    exposures = Exposures(MemoryCache(), metrics)
    exposures.note_list(None, [RecommendedItem(f"i{n}", 1.0, "gmf") for n in range(MAX_COUNTS + 1)])
    for n in range(MAX_WAITING + 1):
        exposures.note_list(f"u{n}", [RecommendedItem("i0", 1.0, "gmf")])


async def _experiment(metrics: Metrics) -> None:
    """Run an experiment beside a definition that can't be read, and show a list when the log is closed."""
    parts = _parts(metrics)
    store, cache = parts.store, parts.cache
    assert isinstance(store, MemoryStore)
    assert isinstance(cache, MemoryCache)
    variants = (Variant("a"), Variant("b"))
    await store.put_experiment(Experiment("x", 1, variants, "a", "ctr", state="running"), 0)
    store.documents["broken"] = 1, b"{"
    by_challenger = (Variant("a", changes=Changes(generation="challenger")), Variant("b", 1e-6))
    of_model = Experiment("m", 1, by_challenger, "a", "ctr", state="running", layer="model", challenger="g2")
    await store.put_experiment(of_model, 0)
    app = recommender_server.app.create_app(parts, recommender_server.app.Rules())
    async with Client(app).running() as client:
        while (answer := await client.call("GET", "/v1/recommendations?user_id=known&k=1")).json.get(
            "experiments", {}
        ).keys() != {"x", "m"}:
            status = ChallengerStatus(
                "g2", first_blend().published(), True, asyncio.get_running_loop().time()
            )
            cache.publish_challenger(status)
            await asyncio.sleep(0.01)
        assert answer.status == 200
    log = ExposureLog(parts.sink, metrics)
    await log.aclose()
    log.note(Exposure("r", "u", 1.0, ["i"]))


def drive_recommender(metrics: Metrics) -> None:
    """Ask as users of every kind, with all parts and without each."""
    asyncio.run(_ask_everything(metrics))


async def _ask_everything(metrics: Metrics) -> None:
    parts = _parts(metrics)
    no_file = Rules(keys=ApiKeys(Path("/nowhere/keys"), metrics), rate_of_addresses=RateLimit(0.01, 0.01))
    refusing = Client(recommender_server.app.create_app(parts, no_file))
    assert [(await refusing.call("GET", "/v1/popular")).status for _ in range(2)] == [401, 429]
    await refusing.shut_down()
    client = Client(recommender_server.app.create_app(parts, Rules()))
    for user_id in ("known", "moved", "nobody"):
        answer = await client.call("GET", f"/v1/recommendations?user_id={user_id}&k=2")
        assert answer.status == 200
    await client.call("GET", "/v1/recommendations?user_id=known&k=100")
    await client.call("GET", "/v1/recommendations?item_id=i1&k=1")
    for by in ("same_day", "covisitation", "blend"):
        await client.call("GET", f"/v1/items/i1/similar?by={by}")
    await client.call("GET", "/v1/recommendations?k=0")
    await client.call("GET", "/v1/popular?k=1")
    await client.call("GET", "/v1/trending?filter=price%3C50")
    await client.call("POST", "/v1/recommendations:batch", json={"users": ["known", "nobody"], "k": 1})
    await client.call("GET", "/v1/users/known/similar")
    await client.call("GET", "/nowhere")
    await client.call("POST", "/v1/events", json={"user_id": "u", "item_id": "i"})
    await client.call("GET", "/v1/recommendations?user_id=u&k=1")
    await client.shut_down()
    ways_to_fail = [Down(), Down(Damaged("spoiled"))]
    for part, way in itertools.product(("store", "cache", "index"), ways_to_fail):
        broken = Client(recommender_server.app.create_app(Parts(**{**vars(parts), part: way}), Rules()))
        await broken.call("GET", "/v1/recommendations?user_id=known&k=2")
        await broken.call("GET", "/v1/items/i1/similar?k=1")
        await broken.shut_down()


def _parts(metrics: Metrics) -> Parts:
    ids = [f"i{row}" for row in range(9)]
    index = MemoryIndex({"g1": VectorTable(ids, np.array([[row, 0] for row in range(9)], np.float32))})
    store, cache = MemoryStore(), MemoryCache()
    cache.publish_popular({"recent": [RankedItem(item_id, 1.0) for item_id in ids]})
    cache.publish_neighbours({"i1": Neighbours(same_day_ids=["i2"], same_day_counts=[1])})
    lease = store.acquire("trainer", "test", 10.0, 0.0)
    assert lease is not None
    vector = np.ones(2, "<f4").tobytes()
    states = [UserState("known", "g1", vector), UserState("moved", "g0", vector)]
    store.publish_users(UserUpdates(states, []), lease)
    return Parts(store, cache, index, MemoryEventSink(MemoryEventLog()), metrics)
