"""The index of users beside that of items."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from falcon import testing

from faiss_server.app import create_app
from faiss_server.changes import ChangeApplier
from faiss_server.generations import Generation, Generations
from faiss_server.kinds import USERS, directions
from faiss_server.loader import GenerationLoader
from streamrec.adapters.faiss.index import FaissIndex
from streamrec.adapters.files.roles import set_challenger
from streamrec.adapters.files.snapshots import set_current, write_snapshot
from streamrec.adapters.memory.events import MemoryEventLog, MemoryEventSink, MemoryEventSource
from streamrec.index_protocol import decode_answers, encode_queries
from streamrec.ports import (
    COMMANDS,
    USER_VECTORS,
    ById,
    IndexQuery,
    Message,
    Record,
    Snapshot,
    UsersByProfile,
    VectorTable,
)
from streamrec.telemetry import NullMetrics
from streamrec.wire import Command, VectorRecord, encode_command, encode_vector

CREATED_AT = 1000.0
_LONG_S = 120.0
ITEMS = {"up": [0, 5, 0.3], "up and right": [0.5, 5, -2], "left": [-2, 0, 0]}
USERS_OF_G: dict[str, list[float]] = {
    "ann": [1, 0, 1],
    "a/b": [2, 0.2, 1],
    "bob": [0, 3, 1],
    "far": [-1, 0, 1],
}


def vector_of(
    numbers: list[float], generation: str = "g", at: float = 2000.0, user: str | None = None
) -> bytes:
    return encode_vector(VectorRecord(generation, np.array(numbers, "<f4").tobytes(), at, user))


class House:
    """A loader over a folder and logs in memory, and the service before it."""

    def __init__(self, directory: Path, *, with_users: bool = True) -> None:
        self.directory = directory
        self.log = MemoryEventLog()
        self.sink = MemoryEventSink(self.log)
        self.generations = Generations()
        self.loader = GenerationLoader(
            directory,
            self.generations,
            lambda topic: MemoryEventSource(self.log, [topic], "index"),
            NullMetrics(),
            time.time,
            with_users=with_users,
        )
        self.client = testing.TestClient(create_app(self.generations, NullMetrics()))

    def release(self, name: str, users: dict[str, list[float]]) -> None:
        items = VectorTable(list(ITEMS), np.array(list(ITEMS.values()), np.float32))
        similarity = np.array(list(users.values()), np.float32).reshape(len(users), 3)
        table = VectorTable(list(users), np.ones((len(users), 3), np.float32))
        write_snapshot(self.directory, Snapshot(name, items, table, {}, CREATED_AT, {}, similarity))
        set_current(self.directory, name)
        self.loader.step()

    def publish(self, key: str, value: bytes | None) -> None:
        self.sink.append(USER_VECTORS, [Message(key, value)])

    def erase(self, user_id: str, at: float) -> None:
        self.sink.append(COMMANDS, [Message(user_id, encode_command(Command("user_erased", at, "test")))])

    def held(self, generation: str | None = None) -> set[str]:
        index = self.generations.get(generation).index_of(USERS)
        return set(index.search(np.ones(3, np.float32), 1000).ids)

    def ask(self, *queries: IndexQuery) -> list[tuple[list[str], bool, str | None, bool]]:
        headers = {"Content-Type": "application/msgpack"}
        result = self.client.simulate_post("/v1/search", body=encode_queries(list(queries)), headers=headers)
        assert result.status_code == 200
        answers = decode_answers(result.content)
        return [(one.ids, one.is_missing, one.error, one.is_unavailable) for one in answers]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    yield house
    house.loader.close()


def eventually(is_true: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + _LONG_S
    while not is_true() and time.monotonic() < deadline:
        time.sleep(0.005)
    return is_true()


def test_users_are_alike_by_the_cosine_whatever_their_length(house: House) -> None:
    house.release("g", USERS_OF_G)
    result = house.client.simulate_get("/v1/users/ann/similar", params={"k": 2})
    assert result.json["generation"] == "g"
    assert [user["user_id"] for user in result.json["users"]] == ["a/b", "bob"]
    cosine = 2 / np.hypot(2, 0.2)
    assert [user["score"] for user in result.json["users"]] == pytest.approx([cosine, 0], abs=1e-6)
    of_odd = house.client.simulate_get("/v1/users/a%2Fb/similar", params={"k": 1}).json["users"]
    assert [user["user_id"] for user in of_odd] == ["ann"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/users/nobody/similar", 404),
        ("/v1/users/up/similar", 404),
        ("/v1/users/ann/similar?k=0", 400),
        ("/v1/users/ann/similar?k=many", 400),
        ("/v1/users/%ff/similar", 400),
        ("/v1/users/%5CN/similar", 400),
        (f"/v1/users/{'x' * 257}/similar", 400),
        ("/v1/items/%5CN/similar", 400),
        (f"/v1/items/{'x' * 257}/similar", 400),
        ("/v1/users/ann/similar?generation=lost", 404),
    ],
)
def test_what_is_wrong_with_a_question_is_said(house: House, path: str, status: int) -> None:
    house.release("g", USERS_OF_G)
    result = house.client.simulate_get(path)
    assert result.status_code == status
    assert result.json["detail"]


def test_the_client_asks_by_id_and_who_is_not_there_is_folded_in(house: House) -> None:
    house.release("g", USERS_OF_G)
    chosen = ["up", "no such item", "up and right"]
    answers = house.ask(
        UsersByProfile("ann", 2),
        UsersByProfile("nobody", 2),
        UsersByProfile("nobody", 2, recent=["no such item"]),
        UsersByProfile("nobody", 2, recent=chosen),
        UsersByProfile("ann", 1, recent=chosen),
        UsersByProfile("nobody", 9, recent=chosen, exclude=["bob"]),
        ById("up", 1),
    )
    assert answers == [
        (["a/b", "bob"], False, None, False),
        ([], True, None, False),
        ([], True, None, False),
        (["bob", "a/b"], True, None, False),
        (["a/b"], False, None, False),
        (["a/b", "ann", "far"], True, None, False),
        (["up and right"], False, None, False),
    ]


def test_a_wrong_question_of_the_client_fails_alone(house: House) -> None:
    house.release("g", USERS_OF_G)
    *wrong, right = house.ask(
        UsersByProfile("ann", 0),
        UsersByProfile("nobody", 1001, recent=["up"]),
        UsersByProfile("ann", 1),
    )
    assert [(ids, bool(error), is_unavailable) for ids, _, error, is_unavailable in wrong] == [
        ([], True, False),
        ([], True, False),
    ]
    assert right == (["a/b"], False, None, False)


def test_where_users_are_not_indexed_the_reason_is_told_and_items_are_found(tmp_path: Path) -> None:
    house = House(tmp_path, with_users=False)
    house.release("g", USERS_OF_G)
    result = house.client.simulate_get("/v1/users/ann/similar")
    assert result.status_code == 503
    assert "STREAMREC_INDEX_USERS" in result.json["detail"]
    of_user, of_item = house.ask(UsersByProfile("ann", 2), ById("up", 1))
    assert (of_user[0], of_user[3]) == ([], True)
    assert "STREAMREC_INDEX_USERS" in (of_user[2] or "")
    assert of_item == (["up and right"], False, None, False)
    assert house.client.simulate_get("/v1/stats").json["users"] is None
    assert house.client.simulate_get("/health/ready").status_code == 200
    house.loader.close()


def test_changes_and_erasures_are_followed(house: House) -> None:
    house.release("g", USERS_OF_G)
    house.publish("new", vector_of([0, 1, 1]))
    house.publish("1:digest", vector_of([0, 1, 1], user="named"))
    house.publish("of another", vector_of([0, 1, 1], generation="h"))
    house.publish("far", None)
    house.erase("bob", at=3000.0)
    assert eventually(lambda: house.held() == {"ann", "a/b", "new", "named"})
    house.publish("bob", vector_of([0, 1, 1], at=2999.0))  # published before the order
    house.publish("later", vector_of([0, 1, 1]))
    assert eventually(lambda: "later" in house.held())
    assert "bob" not in house.held()
    house.publish("bob", vector_of([0, 1, 1], at=3001.0))
    assert eventually(lambda: "bob" in house.held())


def test_it_answers_only_when_it_has_read_all_since_the_snapshot(house: House) -> None:
    for number in range(5000):
        house.publish(f"u{number % 10}", vector_of([number, 1, 1]))
    house.erase("ann", at=3000.0)
    house.release("g", USERS_OF_G)
    assert house.held() == {"a/b", "bob", "far", *(f"u{number}" for number in range(10))}


def test_erasing_an_item_of_the_same_name_leaves_the_user() -> None:
    index = FaissIndex(3)
    applier = ChangeApplier(index, "g", CREATED_AT, NullMetrics(), USERS)
    applier.apply_vectors([Record(USER_VECTORS, 0, 0, "x", vector_of([1, 2, 1]), 1.0)])
    deletion = encode_command(Command("item_deleted", 3000.0, "test"))
    applier.apply_commands([Record(COMMANDS, 0, 0, "x", deletion, 1.0)])
    assert len(index) == 1


def test_each_generation_has_its_own_users_also_that_of_a_challenger(house: House) -> None:
    house.release("new", {"u": [1, 0, 1], "v": [0, 1, 1]})
    house.release("old", {"u": [1, 0, 1], "w": [0, 1, 1]})
    set_challenger(house.directory, "new")
    house.loader.step()
    house.publish("x", vector_of([1, 1, 1], generation="old"))
    house.publish("1:x", vector_of([1, 1, 1], generation="new", user="y"))
    assert eventually(lambda: house.held("old") == {"u", "w", "x"})
    assert eventually(lambda: house.held("new") == {"u", "v", "y"})
    assert house.ask(UsersByProfile("u", 1, generation="new"))[0][0] == ["y"]


def test_users_who_chose_nothing_or_whose_numbers_can_not_be_compared_are_left_out(house: House) -> None:
    house.release("g", {"ann": [1, 0, 0], "nan": [float("nan"), 0, 0], "idle": [0, 0, 0], "bob": [0, 1, 0]})
    assert house.held() == {"ann", "bob"}


def test_a_snapshot_from_before_there_were_similarity_vectors_begins_without_users(house: House) -> None:
    items, users = (VectorTable([name], np.ones((1, 3), np.float32)) for name in ("item", "ann"))
    write_snapshot(house.directory, Snapshot("g", items, users, {}, CREATED_AT, {}))
    set_current(house.directory, "g")
    house.loader.step()
    assert house.held() == set()
    house.publish("ann", vector_of([1, 0, 1]))
    assert eventually(lambda: house.held() == {"ann"})


def test_a_generation_without_users_takes_them_in_as_they_come(house: House) -> None:
    house.release("g", {})
    assert house.client.simulate_get("/v1/users/ann/similar").status_code == 404
    house.publish("ann", vector_of([1, 0, 1]))
    assert eventually(lambda: house.client.simulate_get("/v1/users/ann/similar").json.get("users") == [])


def test_the_statistics_tell_of_both(house: House) -> None:
    house.release("g", USERS_OF_G)
    house.publish("bad", vector_of([1, 0]))
    house.publish("new", vector_of([0, 1, 1]))
    assert eventually(lambda: len(house.generations.get().index_of(USERS)) == 5)
    house.loader.maintain()
    stats = house.client.simulate_get("/v1/stats").json
    assert (stats["n_items"], stats["kind"]) == (3, "flat")
    of_users = stats["users"]
    assert (of_users["n_users"], of_users["kind"], of_users["n_rejected"]) == (5, "flat", 1)
    assert "n_items" not in of_users
    assert list(of_users["next_offsets"]) == [USER_VECTORS, COMMANDS]


def test_maintenance_reaches_the_users(house: House) -> None:
    chance = np.random.default_rng(1)
    house.release("g", {f"u{row}": [*chance.normal(size=2), 1.0] for row in range(20_001)})
    assert house.generations.get().index_of(USERS).stats().kind == "flat"
    house.loader.maintain()
    stats = house.generations.get().index_of(USERS).stats()
    assert stats.kind == "ivf"
    assert stats.recall_at_10 > 0.9


def test_a_generation_of_plain_data_has_no_users() -> None:
    generations = Generations()
    generations.make_current(Generation("g", FaissIndex(3)))
    client = testing.TestClient(create_app(generations, NullMetrics()))
    assert client.simulate_get("/v1/users/ann/similar").status_code == 503


def test_a_direction_has_length_one_and_leaves_what_it_was_made_of_alone() -> None:
    vectors = np.array([[1e-30, 0, 1], [1e9, 1e9, 1], [0, 0, 1]], np.float32)
    before = vectors.copy()
    found = directions(vectors)
    assert np.array_equal(vectors, before)
    assert np.linalg.norm(found, axis=1) == pytest.approx([1, 1, 0])
    assert found[:, -1].tolist() == [0, 0, 0]
