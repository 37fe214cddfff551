"""Two trainers on one stream change places: nothing is lost, and the users move."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from streamrec.domain.generations.roles import Promotion
from streamrec.ports import INTERACTIONS, ITEM_VECTORS, REJECTED, Message
from streamrec.telemetry import NullMetrics
from streamrec.wire import decode_vector
from tests.builders import FIRST_LEASE
from tests.two_generations import DIMENSIONS, NEW, OLD, TrainerThread, TwoGenerations, eventually

PAIRS = [(f"u{number % 7}", f"i{number % 11}") for number in range(60)]

LATER = [(f"u{number % 7}", f"i{number % 11}") for number in range(60, 77)]
"""Of the same users and items: each can be predicted, whatever batch it comes in."""


class Counts(NullMetrics):
    """Remembers what was counted and measured."""

    def __init__(self) -> None:
        self.counted: Counter[str] = Counter()
        self.gauges: dict[str, float] = {}

    def count(self, name: str, n: int = 1) -> None:
        self.counted[name] += n

    def gauge(self, name: str, value: float) -> None:
        self.gauges[name] = value


@pytest.fixture
def metrics() -> Counts:
    return Counts()


@pytest.fixture
def two(tmp_path: Path, metrics: Counts) -> TwoGenerations:
    return TwoGenerations(tmp_path, metrics)


@pytest.fixture
def both(two: TwoGenerations) -> Iterator[tuple[TrainerThread, TrainerThread]]:
    champion, challenger = two.start("champion", "one"), two.start("challenger", "two")
    try:
        eventually(lambda: champion.is_at("champion", OLD) and challenger.is_at("challenger", NEW))
        yield champion, challenger
    finally:
        champion.end()
        challenger.end()


def are_trained(both: Iterable[TrainerThread], champion: str, challenger: str) -> bool:
    """Return whether one of them trains the champion and the other the challenger.

    Which of them is left open: one that stands still for longer than a lease finds its role taken.
    """
    first, second = both
    return any(
        one.is_at("champion", champion) and other.is_at("challenger", challenger)
        for one, other in ((first, second), (second, first))
    )


def generations_of_users(two: TwoGenerations) -> dict[str, str]:
    found = {}
    for user_id in {user_id for user_id, _ in PAIRS}:
        document = asyncio.run(two.store.get_user(user_id))
        if document is not None and document.state is not None:
            assert len(document.state.vector or b"") == 4 * (DIMENSIONS[document.state.generation] + 1)
            found[user_id] = document.state.generation
    return found


def seen_pairs(two: TwoGenerations) -> set[tuple[str, str]]:
    users = {user_id for user_id, _ in PAIRS}
    return {(user_id, item) for user_id in users for item in asyncio.run(two.store.seen_items(user_id, 100))}


def test_both_learn_the_same_and_are_scored_on_the_same(
    two: TwoGenerations, both: tuple[TrainerThread, TrainerThread], metrics: Counts
) -> None:
    roles = ("trainer", "challenger")
    scored = [f"{role}.prequential.gmf.n_events" for role in roles]
    two.send(*PAIRS)
    eventually(lambda: all(metrics.counted[f"{role}.events"] == 60 for role in roles))
    # A heartbeat follows its gauges: those of the next one were measured with all sixty learned.
    beats = {role: metrics.counted[f"{role}.heartbeats.active"] for role in roles}
    eventually(lambda: all(metrics.counted[f"{role}.heartbeats.active"] > beats[role] for role in roles))
    assert [metrics.gauges[f"{role}.n_users"] for role in roles] == [7, 7]
    before = [metrics.gauges.get(name, 0) for name in scored]
    for pair in LATER:
        two.send(pair)
    eventually(lambda: [metrics.gauges.get(name, 0) for name in scored] == [n + 17 for n in before])
    assert metrics.gauges["challenger.lag_events"] == 0
    assert set(generations_of_users(two).values()) == {OLD}
    assert metrics.counted["challenger.published.users"] == 0
    # Neither takes the place of the other's vectors, though one value of a key is kept.
    kept = [(record.key, decode_vector(record.value or b"")) for record in two.log.records[ITEM_VECTORS]]
    of = {
        name: {vector.item_id or key for key, vector in kept if vector.generation == name}
        for name in (OLD, NEW)
    }
    assert of[OLD] == of[NEW] == {item_id for _, item_id in PAIRS}
    assert len(kept) == 2 * len(of[OLD])


def test_promotion_and_rollback_move_all_users_and_lose_nothing(
    two: TwoGenerations, both: tuple[TrainerThread, TrainerThread], metrics: Counts
) -> None:
    two.send(*PAIRS[:20])
    two.sink.append(INTERACTIONS, [Message("key", b"no event")])
    two.command("promote", NEW)
    two.send(*PAIRS[20:40])
    eventually(lambda: are_trained(both, champion=NEW, challenger=OLD))
    eventually(lambda: two.roles[:2] == (NEW, OLD) and two.roles.under_way is None)
    eventually(lambda: seen_pairs(two) == {*PAIRS[:40]})
    assert set(generations_of_users(two).values()) == {NEW}
    two.command("rollback")
    two.send(*PAIRS[40:])
    eventually(lambda: are_trained(both, champion=OLD, challenger=NEW))
    eventually(lambda: two.roles[:2] == (OLD, NEW) and two.roles.under_way is None)
    eventually(lambda: seen_pairs(two) == {*PAIRS})
    assert set(generations_of_users(two).values()) == {OLD}
    eventually(lambda: metrics.counted["trainer.promotions.done"] == 2)
    assert len(two.log.records[REJECTED]) == 1


def test_what_can_not_be_done_is_refused_and_nothing_changes(
    two: TwoGenerations, both: tuple[TrainerThread, TrainerThread], metrics: Counts
) -> None:
    two.send(*PAIRS)
    two.command("promote", "another")
    two.command("rollback")
    eventually(lambda: metrics.counted["trainer.promotions.refused"] == 2)
    assert both[0].is_at("champion", OLD)
    assert two.roles == (OLD, NEW, None)


def test_without_a_trainer_of_the_challenger_the_champion_goes_over_and_catches_up(
    two: TwoGenerations,
) -> None:
    trainer = two.start("champion", "one")
    try:
        two.send(*PAIRS)
        eventually(lambda: seen_pairs(two) == {*PAIRS})
        two.command("promote")
        eventually(lambda: two.roles[:2] == (NEW, OLD) and two.roles.under_way is None)
        assert trainer.is_at("champion", NEW)
        assert set(generations_of_users(two).values()) == {NEW}
        two.command("promote", NEW)  # it is the champion already
        two.command("rollback", OLD)
        eventually(lambda: two.roles[:2] == (OLD, NEW) and two.roles.under_way is None)
        eventually(lambda: set(generations_of_users(two).values()) == {OLD})
    finally:
        trainer.end()


def test_what_the_old_champion_did_not_publish_the_new_one_does(two: TwoGenerations) -> None:
    ahead = two.start("challenger", "two")
    try:
        eventually(lambda: ahead.is_at("challenger", NEW))
        two.send(*PAIRS)
        two.sink.append(INTERACTIONS, [Message("key", b"no event")])
        eventually(lambda: two.log.committed.get(("trainer-challenger", INTERACTIONS)) == 61)
    finally:
        ahead.end()
    assert seen_pairs(two) == set()
    # As a champion leaves it that decided, and ended before anybody else took its place.
    two.record.begin(Promotion("promote", NEW, OLD, at=1.0), FIRST_LEASE)
    successor = two.start("champion", "three")
    try:
        eventually(lambda: two.roles.under_way is None)
        assert two.roles[:2] == (NEW, OLD)
        assert seen_pairs(two) == {*PAIRS}
        assert set(generations_of_users(two).values()) == {NEW}
        assert len(two.log.records[REJECTED]) == 1
    finally:
        successor.end()


def test_both_generations_are_trained_whoever_is_started_again(two: TwoGenerations) -> None:
    # The challenger's trainer became champion and was started again while the other one ran on.
    two.record.complete(Promotion("promote", NEW, OLD, at=1.0), FIRST_LEASE)
    first = two.start("champion", "one")
    try:
        eventually(lambda: first.is_at("champion", NEW))
        second = two.start("challenger", "two")
        try:
            eventually(lambda: second.is_at("challenger", OLD))
        finally:
            second.end()
    finally:
        first.end()
    second = two.start("challenger", "two")
    try:
        eventually(lambda: second.is_at("challenger", OLD))
        spare = two.start("challenger", "three")  # its role is taken: it helps out as champion
        try:
            eventually(lambda: spare.is_at("champion", NEW))
        finally:
            spare.end()
    finally:
        second.end()


def test_who_would_rather_be_champion_becomes_it_when_there_is_none(two: TwoGenerations) -> None:
    champion, spare = two.start("champion", "one"), None
    try:
        eventually(lambda: champion.is_at("champion", OLD))
        spare = two.start("champion", "two")
        eventually(lambda: spare.is_at("challenger", NEW))
        champion.end()
        eventually(lambda: spare.is_at("champion", OLD))
    finally:
        champion.end()
        if spare is not None:
            spare.end()
