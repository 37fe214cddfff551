"""Backups of MongoDB, Redis and Kafka, restored beside what they were made of."""

import asyncio
from pathlib import Path

import pytest

from streamrec.adapters.kafka.address import parse_kafka_url
from streamrec.adapters.kafka.copies import KafkaCopies
from streamrec.adapters.opening import open_cache, open_cache_publisher, open_event_source
from streamrec.cli.retraining.joined_history import history_of_stream
from streamrec.cli.training.initial import train
from streamrec.domain.users.steps import Step
from streamrec.frames import frames_in, write_frame
from streamrec.learning.initial.fit import FitOptions
from streamrec.ports import INTERACTIONS, Message, RankedItem, Record, n_between
from streamrec.settings.processes import LocationSettings
from tests.command_line import run
from tests.erasure_system import ErasureSystem

CROWD = [(f"v{n % 12}", f"i{n % 7}") for n in range(120)]


def records_at(url: str) -> list[Record]:
    """Return all records of the interactions, partition by partition."""
    source = open_event_source(url, [INTERACTIONS], "test")
    source.seek({})
    ends = source.end_offsets()
    found: list[Record] = []
    while n_between(source.next_offsets(), ends):
        found += source.poll(1000, 1.0)
    source.close()
    return sorted(found, key=lambda record: record[1:3])


async def add_steps(url: str) -> None:
    cache = open_cache(url)
    await cache.add_steps({"v1": [Step(2e9, ("i1",))]})
    await cache.aclose()


async def steps_at(url: str) -> list[Step]:
    cache = open_cache(url)
    found = await cache.steps("v1")
    await cache.aclose()
    return found


def set_places(monkeypatch: pytest.MonkeyPatch, events: str, store: str, cache: str, folder: Path) -> None:
    for name, url in (("EVENTS", events), ("STORE", store), ("CACHE", cache)):
        monkeypatch.setenv(f"STREAMREC_{name}_URL", url)
    monkeypatch.setenv("STREAMREC_ARTIFACTS_DIR", str(folder))


def test_a_system_on_servers_goes_on_from_its_backup_beside_the_first(
    kafka_url: str,
    mongo_url: str,
    redis_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    events = f"{kafka_url}?partitions=3"
    (tmp_path / "first").mkdir()
    set_places(monkeypatch, events, mongo_url, redis_url, tmp_path / "first")
    monkeypatch.setenv("STREAMREC_LEARNING_EMBEDDING_DIM", "8")
    first = ErasureSystem(tmp_path / "first", events, mongo_url)
    first.send(*CROWD, ("gone", "i1"))
    first.erase("gone")
    train(history_of_stream(LocationSettings()), FitOptions(max_epochs=1), None)
    first.generation = (tmp_path / "first" / "CURRENT").read_text().strip()
    first.send(("v1", "i6"), ("new", "i1"))  # behind the checkpoint
    publisher = open_cache_publisher(redis_url)
    publisher.publish_popular({"day": [RankedItem("i1", 2.0)]})
    publisher.close()
    asyncio.run(add_steps(redis_url))
    assert run("backup", str(tmp_path / "backup")) == 0, capsys.readouterr().err

    set_places(monkeypatch, events, mongo_url, redis_url, tmp_path / "second")
    capsys.readouterr()
    assert run("restore", str(tmp_path / "backup"), "--overwrite") == 2
    assert "name another prefix for the topics" in " ".join(capsys.readouterr().err.split())

    second_url, second_store = f"{kafka_url}second.?partitions=2", f"{mongo_url}-second"
    second_cache = f"{redis_url}?prefix=second"
    set_places(monkeypatch, second_url, second_store, second_cache, tmp_path / "second")
    assert run("restore", str(tmp_path / "backup")) == 0, capsys.readouterr().err
    assert [one[1:5] for one in records_at(second_url)] == [one[1:5] for one in records_at(events)]
    assert asyncio.run(steps_at(second_cache)) == asyncio.run(steps_at(redis_url)) != []
    second = ErasureSystem(tmp_path / "second", second_url, second_store)
    source = open_event_source(second_url, [INTERACTIONS], "test")
    assert {one.log for one in second.store.read_erasures()} == {source.identity_of(INTERACTIONS)}
    source.close()
    second.generation = first.generation
    learned = []
    for one in (first, second):
        one.start()
        one.catch_up()
        learned.append(one.learned())
        one.close()
    assert learned[0] == learned[1]
    assert (learned[1]["v1"], learned[1]["new"]) == (11, 1)
    assert "gone" not in learned[1]


def test_records_stand_where_they_stood_though_the_first_are_gone(kafka_url: str, tmp_path: Path) -> None:
    address = parse_kafka_url(f"{kafka_url}?partitions=1")
    system = ErasureSystem(tmp_path, f"{kafka_url}?partitions=1")
    system.send(*CROWD[:20])
    system.sink.append(INTERACTIONS, [Message("k", None)])
    copies = KafkaCopies(address)
    (tmp_path / "copy").mkdir()
    counts = copies.copy_to(tmp_path / "copy")
    assert counts[INTERACTIONS] == 21
    path = tmp_path / "copy" / "interactions.records"
    kept = list(frames_in(path))[7:]  # as if retention had removed the first
    with path.open("wb") as file:
        for one in kept:
            write_frame(file, one)
    other = KafkaCopies(parse_kafka_url(f"{kafka_url}gap.?partitions=1"))
    other.check_free(overwrite=False)
    assert other.restore_from(tmp_path / "copy")[INTERACTIONS] == 14
    found = [one for one in records_at(f"{kafka_url}gap.?partitions=1") if one.key != "restored"]
    assert [one.offset for one in found] == list(range(7, 21))
    assert found[-1].value is None
    system.close()
