"""The command `archive`: each event of the log once, whatever it was stopped in; erased users' events go."""

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from streamrec.datasets.archive.parts import parts_in
from streamrec.datasets.archive.reading import archived, logs_in
from streamrec.ports import INTERACTIONS, Message
from tests.command_line import run
from tests.erasure_system import ErasureSystem

CROWD = [(f"v{n % 12}", f"i{n % 7}") for n in range(60)]

KILLED_AT = """
import os, signal, sys
from streamrec.datasets.archive import erasing, writing
put_in_place, n_left = writing.put_in_place, int(sys.argv[1])

def killing(written, path):
    global n_left
    if n_left <= 0:
        os.kill(os.getpid(), signal.SIGKILL)
    put_in_place(written, path)
    n_left -= 1
    if n_left <= 0:
        os.kill(os.getpid(), signal.SIGKILL)

writing.put_in_place = erasing.put_in_place = killing
from streamrec.cli.app import main
main(sys.argv[2:])
"""


@pytest.fixture
def folder(own_system: ErasureSystem) -> Path:
    return own_system.folder / "archive"


def held(folder: Path) -> list[tuple[int, str]]:
    (log,) = logs_in(folder)
    return [(one.offset, one.event.user_id) for one in archived(folder, log)]


def logged(system: ErasureSystem, statement: str, *parameters: object) -> None:
    with closing(sqlite3.connect(system.folder / "events.db")) as connection, connection:
        connection.execute(statement, parameters)


def test_it_goes_on_where_it_ended(own_system: ErasureSystem, folder: Path) -> None:
    assert run("archive", str(folder)) == 0
    assert parts_in(folder) == []
    own_system.send(*CROWD)
    own_system.sink.append(INTERACTIONS, [Message("key", b"no event")])
    assert run("archive", str(folder)) == 0
    own_system.send(*CROWD[:5])
    assert run("archive", str(folder)) == 0
    assert run("archive", str(folder)) == 0
    users = [user for user, _ in CROWD]
    assert held(folder) == [*enumerate(users), *((61 + n, user) for n, user in enumerate(users[:5]))]
    assert len({part.day for part in parts_in(folder)}) == len(parts_in(folder)), "one a day"


def test_erased_users_are_not_written_and_leave_what_was(own_system: ErasureSystem, folder: Path) -> None:
    own_system.send(*CROWD)
    assert run("archive", str(folder)) == 0
    own_system.send(("v1", "i5"), ("w", "i5"))
    own_system.erase("v1", "w")
    own_system.send(("v1", "i6"))
    assert run("archive", str(folder)) == 0
    users = [user for _, user in held(folder)]
    assert users.count("v1") == 1
    assert "w" not in users
    assert len(users) == 60 - 5 + 1


def test_a_gap_is_refused_until_it_is_accepted(
    own_system: ErasureSystem, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own_system.send(*CROWD)
    assert run("archive", str(folder)) == 0
    own_system.send(*CROWD)
    logged(own_system, "DELETE FROM log_interactions WHERE position <= 70")
    assert run("archive", str(folder)) == 2
    assert "--skip-lost" in capsys.readouterr().err
    assert len(held(folder)) == 60
    assert run("archive", str(folder), "--skip-lost") == 0
    assert [offset for offset, _ in held(folder)] == [*range(60), *range(70, 120)]


@pytest.mark.parametrize("n_in_place", [1, pytest.param(0, marks=pytest.mark.nightly)])
def test_killed_anywhere_it_goes_on(own_system: ErasureSystem, folder: Path, n_in_place: int) -> None:
    own_system.send(*CROWD)
    assert run("archive", str(folder)) == 0
    own_system.send(*CROWD)
    own_system.erase("v1")
    days = 86_400 * 3
    logged(own_system, "UPDATE log_interactions SET appended_at = appended_at + ? WHERE position > 90", days)
    command = [sys.executable, "-c", KILLED_AT, str(n_in_place), "archive", str(folder)]
    ended = subprocess.run(command, capture_output=True, check=False, env=os.environ | {"PYTHONPATH": "."})
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    for _ in range(2):
        assert run("archive", str(folder)) == 0
        wanted = [(n, user) for n, (user, _) in enumerate(CROWD * 2) if user != "v1"]
        assert held(folder) == wanted
    assert len(parts_in(folder)) == 2
    assert not [path.name for path in folder.iterdir() if path.name.startswith(".unfinished")]
