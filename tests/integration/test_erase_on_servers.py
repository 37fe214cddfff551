"""The search for an erased user on Kafka, MongoDB and Redis."""

import asyncio
import time
from pathlib import Path

import pymongo
import pytest

from streamrec.adapters.opening import open_cache
from streamrec.cli.retraining.joined_history import history_of_stream
from streamrec.cli.training.initial import train
from streamrec.cli.user_data.proof import prove_erased
from streamrec.domain.users.steps import Step
from streamrec.learning.initial.fit import FitOptions
from streamrec.settings.processes import LocationSettings
from tests.erasure_system import ErasureSystem

WHO = "who-goes-away"
CROWD = [(f"v{n % 12}", f"i{n % 7}") for n in range(120)]


async def add_steps(url: str) -> None:
    cache = open_cache(url)
    await cache.add_steps({WHO: [Step(time.time(), ("i1",))], "v1": [Step(time.time(), ("i1",))]})
    await cache.aclose()


async def forget_steps(url: str) -> None:
    cache = open_cache(url)
    await cache.forget_steps(WHO)
    await cache.aclose()


def test_on_servers_nothing_is_left_but_what_is_told(
    kafka_url: str,
    mongo_url: str,
    redis_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, url in (
        ("EVENTS", kafka_url),
        ("STORE", mongo_url),
        ("CACHE", redis_url),
        ("INDEX", "inproc:"),
    ):
        monkeypatch.setenv(f"STREAMREC_{name}_URL", url)
    monkeypatch.setenv("STREAMREC_ARTIFACTS_DIR", str(tmp_path))
    monkeypatch.setenv("STREAMREC_LEARNING_EMBEDDING_DIM", "8")
    system = ErasureSystem(tmp_path, kafka_url, mongo_url)
    system.send(*CROWD, (WHO, "i1"))
    train(history_of_stream(LocationSettings()), FitOptions(max_epochs=1), None)
    system.generation = (tmp_path / "CURRENT").read_text().strip()
    asyncio.run(add_steps(redis_url))

    def proven() -> tuple[bool, str]:
        capsys.readouterr()
        is_proven = prove_erased(WHO, LocationSettings(), 0.0, vacuum=True)
        return is_proven, capsys.readouterr().out

    system.erase(WHO)
    is_proven, said = proven()
    assert not is_proven
    assert "steps: 1 found; LEFT: should be gone" in said
    assert "LEFT  trainer has not forgotten" in said
    asyncio.run(forget_steps(redis_url))
    system.start()
    system.catch_up()
    system.stop()
    is_proven, said = proven()
    assert is_proven, said
    assert "interactions: 5 found; of events from before" in said, "one event, and four markers"
    assert "steps-refused: 1 found" in said
    assert "the server's files are not searched" in said
    with pymongo.MongoClient[dict[str, object]](mongo_url) as client:
        client.get_default_database()["users"].insert_one({"_id": WHO, "attributes": "{}"})
    is_proven, said = proven()
    assert not is_proven
    assert "users: 1 found; LEFT: should be gone" in said
    system.close()
