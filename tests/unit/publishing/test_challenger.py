"""The challenger's vectors of users: published while an experiment wants them, by a real trainer of it."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from streamrec.domain.experiments.definition import Changes, Experiment, Variant
from streamrec.domain.generations.challenger import ChallengerStatus, ChallengerUser, decode_status
from streamrec.domain.sources.table import first_blend
from streamrec.ports import COMMANDS, INTERACTIONS, Message
from streamrec.wire import Command, encode_command
from tests.two_generations import DIMENSIONS, NEW, OLD, TrainerThread, TwoGenerations, eventually

BY_CHALLENGER = (Variant("a"), Variant("b", changes=Changes(generation="challenger")))
WANTED = Experiment("x", 1, BY_CHALLENGER, "a", "ctr", state="running")


class Challenged(TwoGenerations):
    def is_learned(self) -> bool:
        """Whether all that was sent is, by the challenger."""
        n_sent = len(self.log.records[INTERACTIONS])
        return self.log.committed.get(("trainer-challenger", INTERACTIONS)) == n_sent

    def user(self, user_id: str) -> ChallengerUser | None:
        return asyncio.run(self.store.get_challenger_user(user_id))

    def status(self) -> ChallengerStatus | None:
        return asyncio.run(self.cache.challenger())

    def generation(self) -> str | None:
        status = self.status()
        return None if status is None else status.generation

    def has_users(self) -> bool:
        status = self.status()
        return status is not None and status.has_users

    def is_told_since(self, at: float) -> bool:
        status = self.status()
        return status is not None and status.published_at > at


@pytest.fixture
def two(tmp_path: Path) -> Challenged:
    return Challenged(tmp_path)


@pytest.fixture
def trainer(two: Challenged) -> Iterator[TrainerThread]:
    thread = two.start("challenger", "one")
    try:
        eventually(lambda: thread.is_at("challenger", NEW))
        yield thread
    finally:
        thread.end()


@pytest.mark.usefixtures("trainer")
def test_vectors_of_all_users_are_out_while_an_experiment_wants_them(two: Challenged) -> None:
    two.send(("u", "i"), ("v", "j"))
    eventually(two.is_learned)
    eventually(lambda: two.is_told_since(time.time() - 1))
    assert not two.has_users()
    assert two.user("u") is None, "nobody wants it"

    assert two.store.replace_experiment(WANTED, after=0)
    eventually(two.has_users)
    status, first = two.status(), two.user("u")
    assert status is not None
    assert first is not None
    assert (status.generation, first.generation) == (NEW, NEW)
    assert len(first.vector) == 4 * (DIMENSIONS[NEW] + 1)

    two.send(("u", "k"), ("new", "i"))
    eventually(lambda: two.user("new") is not None and two.user("u") != first)
    assert asyncio.run(two.store.get_user("u")) is None, "documents are the champion's to write"

    stopped = msgspec.structs.replace(WANTED, version=2, state="stopped")
    assert two.store.replace_experiment(stopped, after=1)
    eventually(lambda: not two.has_users())
    last = two.user("u")
    two.send(("u", "j"), ("late", "j"))
    eventually(two.is_learned)
    assert two.user("late") is None
    assert two.user("u") == last

    again = msgspec.structs.replace(WANTED, version=3)
    assert two.store.replace_experiment(again, after=2)
    eventually(two.has_users)
    assert two.user("late") is not None, "whoever came meanwhile is handed over with all"
    assert two.user("u") != last


@pytest.mark.usefixtures("trainer")
def test_an_erased_users_vector_goes_whether_it_is_wanted_or_not(two: Challenged) -> None:
    assert two.store.replace_experiment(WANTED, after=0)
    two.send(("u", "i"), ("v", "j"))
    eventually(lambda: two.has_users() and two.user("u") is not None and two.user("v") is not None)
    two.sink.append(COMMANDS, [_erasure("u")])
    eventually(lambda: two.user("u") is None)
    two.store.replace_experiment(msgspec.structs.replace(WANTED, version=2, state="stopped"), after=1)
    eventually(lambda: not two.has_users())
    two.sink.append(COMMANDS, [_erasure("v")])
    eventually(lambda: two.user("v") is None)


def _erasure(user_id: str) -> Message:
    return Message(user_id, encode_command(Command("user_erased", time.time(), "test")))


def test_a_state_of_another_version_is_none() -> None:
    status = ChallengerStatus("g2", first_blend().published(), has_users=True, published_at=1.0)
    written = msgspec.to_builtins(status)
    assert decode_status(msgspec.json.encode(written)) == status
    for damaged in (b"", b"\xff", b"{}", b"[]", msgspec.json.encode(written | {"blend": {}})):
        assert decode_status(damaged) is None


@pytest.mark.usefixtures("trainer")
def test_after_a_promotion_the_other_generations_vectors_take_their_place(two: Challenged) -> None:
    champion = two.start("champion", "two")
    try:
        eventually(lambda: champion.is_at("champion", OLD))
        assert two.store.replace_experiment(WANTED, after=0)
        two.send(("u", "i"), ("v", "j"))
        eventually(lambda: two.has_users() and _generations(two) == {NEW})
        two.command("promote", NEW)
        eventually(lambda: two.roles.champion == NEW and two.roles.under_way is None)
        eventually(lambda: two.generation() == OLD and two.has_users())
        assert _generations(two) == {OLD}
    finally:
        champion.end()


def _generations(two: Challenged) -> set[str | None]:
    users = [two.user(user_id) for user_id in ("u", "v")]
    return {None if user is None else user.generation for user in users}
