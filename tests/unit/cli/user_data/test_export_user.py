"""Everything that is held of one user is exported, and nothing of anybody else."""

import asyncio
import json
import time
from contextlib import closing
from typing import Any

import pytest

from streamrec.adapters.opening import open_cache, open_store, open_trainer_store
from streamrec.cli.retraining.joined_history import history_of_stream
from streamrec.cli.training.initial import train
from streamrec.domain.experiments.exposure import Exposure, encode_exposure
from streamrec.domain.generations.challenger import ChallengerUser
from streamrec.domain.items.batch_lists import Batch, ListedItem
from streamrec.domain.users.steps import Step
from streamrec.learning.initial.fit import FitOptions
from streamrec.ports import IMPRESSIONS, INTERACTIONS, REJECTED, Message
from streamrec.settings.processes import LocationSettings
from tests.command_line import run
from tests.erasure_system import ErasureSystem

ODD = 'a"/b\\\u2028\U0001f9e6'
CROWD = [(f"v{n % 12}", f"i{n % 7}") for n in range(120)]


async def told_of(system: ErasureSystem, user_id: str) -> None:
    """Let services hold something of a user."""
    store, cache = open_store(system.store_url), open_cache(LocationSettings().cache_url)
    await store.put_attributes(user_id, {"country": "NZ"})
    await store.put_batch_lists("als", 1, {user_id: [ListedItem("i3", 0.5)], "v1": [ListedItem("i4", 1.0)]})
    await store.publish_batch(Batch("als", 1, 2, time.time()))
    await cache.add_steps({user_id: [Step(time.time(), ("i1", "i2"))]})
    await store.aclose()
    await cache.aclose()
    with closing(open_trainer_store(system.store_url)) as trainer:
        lease = trainer.acquire("trainer-challenger", "test", 10.0, time.time())
        assert lease is not None
        users = [ChallengerUser(id_, "g2", bytes(8)) for id_ in (user_id, "v1")]
        trainer.publish_challenger(users, [], lease)


def exported(capfdbinary: pytest.CaptureFixture[bytes], user_id: str) -> dict[str, Any]:
    capfdbinary.readouterr()
    assert run("export-user", "--", user_id) == 0
    found: dict[str, Any] = json.loads(capfdbinary.readouterr().out)
    return found


def test_all_of_one_user_is_exported(
    own_system: ErasureSystem, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    own_system.send(*CROWD, (ODD, "i1"), (ODD, "i2"))
    by_another_key = b'{"user_id":"%s","item_id":"i3"}' % ODD.encode().replace(b"\\", b"\\\\").replace(
        b'"', b'\\"'
    )
    own_system.sink.append(INTERACTIONS, [Message("any", by_another_key)])
    shown = encode_exposure(Exposure("r1", ODD, time.time(), ["i1"]))
    own_system.sink.append(IMPRESSIONS, [Message(ODD, shown)])
    own_system.sink.append(REJECTED, [Message(ODD, b"no JSON \xff")])
    train(history_of_stream(LocationSettings()), FitOptions(max_epochs=1), None)
    asyncio.run(told_of(own_system, ODD))
    found = exported(capfdbinary, ODD)
    assert found["user_id"] == ODD
    (document,) = found["document"]
    assert (document["attributes"], document["state"]["recent"]) == ({"country": "NZ"}, ["i1", "i2", "i3"])
    assert len(document["state"]["vector"]) == 9
    assert [(one["generation"], one["vector"]) for one in found["challenger"]] == [("g2", [0.0, 0.0])]
    assert sorted(found["seen"]) == ["i1", "i2", "i3"]
    assert found["lists"] == [{"name": "als", "items": [["i3", 0.5]]}]
    assert [one["value"]["item_id"] for one in found["events"]] == ["i1", "i2", "i3"]
    assert [one["value"]["request_id"] for one in found["shown"]] == ["r1"]
    assert [one["value"] for one in found["rejected"]] == ["no JSON \ufffd"]
    assert [one["item_ids"] for one in found["steps"]] == [["i1", "i2"]]
    assert len(found["snapshots"][0]["vector"]) == 9
    assert len(found["checkpoints"][0]["row"]["learner/model.users.rows"]) == 8
    assert '"v1"' not in json.dumps(found)


def test_what_does_not_count_any_more_is_told_as_such(
    own_system: ErasureSystem, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    own_system.send(*CROWD)
    own_system.erase("v1")
    own_system.send(("v1", "i6"))
    found = exported(capfdbinary, "v1")
    counting = [
        one["value"]["item_id"] for one in found["events"] if one["counts"] and "item_id" in one["value"]
    ]
    assert counting == ["i6"]
    assert len(found["events"]) == 10 + 1 + 1, "with the marker"
    assert len(found["erasures"]) == len(found["commands"]) == 1
    assert found["document"] == found["seen"] == []


def test_an_unknown_user_is_told_and_leaves_no_file(
    own_system: ErasureSystem, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    own_system.send(*CROWD)
    file = own_system.folder / "user.json"
    assert run("export-user", "nobody", "--file", str(file)) == 1
    said = capfdbinary.readouterr()
    assert (said.out, file.exists()) == (b"", False)
    assert b"'nobody': nothing is held of this user" in said.err
    assert run("export-user", "v1", "--file", str(file)) == 0
    assert len(json.loads(file.read_bytes())["events"]) == 10
    assert run("export-user", "v1", "--file", str(own_system.folder / "none" / "user.json")) == 2


def test_an_archive_is_read_where_it_is_named(
    own_system: ErasureSystem, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    own_system.send(*CROWD)
    folder = own_system.folder / "archive"
    assert run("archive", str(folder)) == 0
    capfdbinary.readouterr()
    assert run("export-user", "v2", "--archive", str(folder)) == 0
    assert len(json.loads(capfdbinary.readouterr().out)["archive"]) == 10
