"""A log of several partitions on a broker is archived, and joined with what it holds, each event once."""

from collections import Counter
from pathlib import Path

import pytest

from streamrec.cli.retraining.archiving import archive_log, past_commands
from streamrec.cli.retraining.joined_history import joined_history
from streamrec.datasets.archive.parts import parts_in
from streamrec.learning.initial.past import ErasedUsers
from streamrec.settings.processes import LocationSettings
from tests.erasure_system import ErasureSystem

CROWD = [(f"v{n % 40}", f"i{n % 7}") for n in range(400)]


def test_each_event_counts_once_and_those_of_the_erased_do_not(
    tmp_path: Path, kafka_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = ErasureSystem(tmp_path, kafka_url)
    for name, url in (("EVENTS", system.events_url), ("STORE", system.store_url)):
        monkeypatch.setenv(f"STREAMREC_{name}_URL", url)
    locations, archive = LocationSettings(), tmp_path / "archive"
    system.send(*CROWD[:200])
    archive_log(archive, locations, skip_lost=False)
    system.send(*CROWD[200:300])
    system.erase("v3")
    archive_log(archive, locations, skip_lost=False)
    archive_log(archive, locations, skip_lost=False)
    system.send(*CROWD[300:])
    assert len({part.partition for part in parts_in(archive)}) > 1
    commands = past_commands(locations)
    joined = joined_history(locations, None, archive, from_stream=True)
    erased = ErasedUsers(system.store, commands.erased_at)
    read = Counter((event.user_id, event.item_id) for event in joined.read(erased, commands))
    assert read == Counter(CROWD[300:] + [pair for pair in CROWD[:300] if pair[0] != "v3"])
    alone = joined_history(locations, None, archive, from_stream=False)
    assert sum(1 for _ in alone.read(erased, commands)) == 300 - sum(user == "v3" for user, _ in CROWD[:300])
    system.close()
