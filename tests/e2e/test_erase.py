"""`erase --prove` on the embedded default while all processes work."""

import subprocess
from pathlib import Path

import pytest

from tests.e2e.processes import eventually, is_ready, python
from tests.e2e.test_written_before import Upgraded

pytestmark = pytest.mark.timeout(1200)


@pytest.mark.nightly
def test_who_is_erased_while_everything_works_is_nowhere(tmp_path: Path) -> None:
    who = "somebody-who-goes-away"
    system = Upgraded(tmp_path, "written_before_0_2_0")
    try:
        for process in system.processes.values():
            process.start()
        eventually(lambda: is_ready(system.index) and is_ready(system.recommender))
        events = [{"user_id": who, "item_id": item_id, "type": "buy"} for item_id in ("i1", "i4", "i5")]
        system.recommender.call("POST", "/v1/events", events)
        eventually(lambda: system.user(who).get("n_events", 0) == 3)
        assert system.recommender.get(f"/v1/recommendations?user_id={who}&k=5")["items"]
        assert who.encode() in system.store.read_bytes() + wal_of(system.store)
        command = python("-m", "streamrec", "erase", who, "--prove", "--url", system.recommender.url)
        told = subprocess.run(
            command, cwd=tmp_path, env=system.environment, capture_output=True, text=True, check=False
        )
        assert told.returncode == 0, told.stdout + told.stderr
        assert "nothing is left that should be gone" in told.stdout
        assert who.encode() not in system.store.read_bytes() + wal_of(system.store)
    finally:
        for process in system.processes.values():
            process.end()


def wal_of(path: Path) -> bytes:
    beside = path.with_name(path.name + "-wal")
    return beside.read_bytes() if beside.exists() else b""
