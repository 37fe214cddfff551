"""Erasures over a broker with four partitions and MongoDB."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from streamrec.domain.events.interaction import Interaction
from streamrec.ports import INTERACTIONS, Message
from streamrec.wire import encode_event
from tests.erasure_system import ErasureSystem

USERS = [f"user-{n}" for n in range(24)]


@pytest.fixture(params=["kafka", "kafka+confluent"])
def system(
    request: pytest.FixtureRequest, tmp_path: Path, kafka_url: str, mongo_url: str
) -> Iterator[ErasureSystem]:
    system = ErasureSystem(tmp_path, kafka_url.replace("kafka:", f"{request.param}:"), mongo_url)
    yield system
    system.close()


def choices(*users: str, item: str) -> list[tuple[str, str]]:
    return [(user, item) for user in users]


def test_the_erased_stay_away_and_who_comes_back_is_new_over_crashes_and_replays(
    system: ErasureSystem,
) -> None:
    system.send(*choices(*USERS, item="a"))
    system.start()
    assert len(system.opened_source_partitions()) == 4
    system.catch_up()
    system.stop()
    erased, back = USERS[:12], USERS[:6]
    system.send(*choices(*USERS, item="b"))
    system.erase(*erased)
    system.send(*choices(*back, item="c"))
    expected = Counter(back) + Counter(2 * USERS[12:])
    for start in ("checkpoint", "checkpoint", "earliest"):
        system.start(start)
        assert set(erased).isdisjoint(system.learned()) or start == "earliest"
        system.catch_up()
        assert system.learned() == system.published(*USERS) == expected
        system.crash()


def test_events_of_a_user_in_any_partition_are_before_the_erasure(system: ErasureSystem) -> None:
    """As after partitions were added, or of a sender with a partitioner of its own."""

    def scattered(item: str) -> None:
        events = [encode_event(Interaction("u", item, 100.0, event_id=f"{item}{n}")) for n in range(20)]
        system.sink.append(INTERACTIONS, [Message(f"key {n}", event) for n, event in enumerate(events)])

    scattered("a")
    system.start()
    system.catch_up()
    scattered("b")
    system.erase("u")
    scattered("c")
    system.catch_up()
    assert system.learned() == system.published("u") == {"u": 20}
    system.crash()
    system.start()
    system.catch_up()
    assert system.learned() == system.published("u") == {"u": 20}
