"""A folder of learned things: one data set, one launch, and nothing removed under anybody's feet."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from streamrec.adapters.sqlite.open_elsewhere import is_open_elsewhere
from streamrec.cli.app import main
from streamrec.cli.files.clean_data import forget, why_not
from streamrec.cli.files.options import Chosen
from streamrec.cli.launch.introduction import one_who_chose, paths_to_try
from streamrec.cli.launch.owner import Owner, used_alone
from streamrec.cli.launch.plan import Plan, plan_of
from streamrec.datasets.config_file import OwnFiles
from streamrec.datasets.event_set import EventSet
from streamrec.datasets.files.event_files import EventFile, read_events
from streamrec.errors import ConfigurationError, InvalidInput
from streamrec.settings.processes import TrainerSettings

pytestmark = pytest.mark.usefixtures("in_an_empty_folder")

ROOT = Path(__file__).parents[3]
OWN = Chosen(None, OwnFiles([EventFile(Path("a.csv"))], [], {}))


def events(
    name: str, rows: str = "a,x,1\nb,y,2\na,y,3\nb,x,4\n", header: str = "user_id,item_id,timestamp"
) -> EventSet:
    Path(name).write_text(f"{header}\n{rows}")
    return read_events(EventFile(Path(name)))


def test_a_folder_belongs_to_one_data_set_and_to_how_much_of_it_was_learned() -> None:
    first, other = events("a.csv"), events("b.csv", "a,z,1\n")
    owner = Owner(Path("var/replay"), Path("var/artifacts"))
    assert owner.claim(first, 0.5) == 0.5
    assert Owner(Path("var/replay"), Path("var/artifacts")).claim(first, 1.0) == 0.5
    with pytest.raises(InvalidInput, match=r"holds what was learned of a-.*clean-data.*another folder"):
        owner.claim(other, 1.0)
    owner.release()
    assert owner.claim(other, 1.0) == 1.0
    Path("var/replay/dataset.json").write_bytes(b"\xff{torn")
    assert owner.claim(first, 0.9) == 0.9


def test_two_launches_of_one_folder_are_refused() -> None:
    with used_alone(Path("var")):
        with pytest.raises(ConfigurationError, match="another one works in"), used_alone(Path("var")):
            pass
        assert why_not(Path("var")) == "`run` or `serve` is running: Ctrl-C stops it"
        with used_alone(Path("var/stack")):
            pass
    assert why_not(Path("var")) is None
    Path("file").touch()
    with pytest.raises(ConfigurationError, match="can't be written"), used_alone(Path("file")):
        pass


def test_data_are_not_removed_while_a_process_has_them_open(capsys: pytest.CaptureFixture[str]) -> None:
    for folder in ("artifacts", "data", "replay"):
        Path("var", folder).mkdir(parents=True)
    with closing(sqlite3.connect("var/events.db")) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE t (a)")
        connection.commit()
        # One process' own locks do not hold itself up.
        asked = subprocess.run(
            [sys.executable, "-m", "streamrec.cli.files.clean_data"],
            env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert asked.returncode == 2
        assert "nothing was removed, because a process works with var/events.db" in asked.stderr
        assert Path("var/artifacts").is_dir()
    Path("var/store.db").write_bytes(b"no database at all" * 100)
    assert not is_open_elsewhere(Path("var/store.db"))
    with pytest.raises(SystemExit) as exited:
        main(["clean-data"])
    assert not exited.value.code
    assert sorted(path.name for path in Path("var").iterdir()) == ["data"]
    forget(Path("nowhere"))


@pytest.mark.parametrize(
    ("chosen", "hold_out", "rate", "is_replayed", "plan"),
    [
        (OWN, None, None, False, Plan(1.0, None)),
        (OWN, 0.5, None, True, Plan(0.5, 50.0)),
        (OWN, 0.2, 7.0, True, Plan(0.8, 7.0)),
        (OWN, 0.2, None, False, Plan(0.8, None)),
        (Chosen("ml-100k", None), None, 20.0, False, Plan(0.5, 20.0)),
        (Chosen(None, None), None, None, False, Plan(0.5, 50.0)),
        (Chosen("ml-100k", None), 0.0, None, False, Plan(1.0, None)),
    ],
)
def test_all_of_own_files_is_learned_and_half_of_the_demonstration(
    chosen: Chosen, hold_out: float | None, rate: float | None, is_replayed: bool, plan: Plan
) -> None:
    assert plan_of(chosen, hold_out, rate, is_replayed=is_replayed)[1] == plan


@pytest.mark.parametrize(
    ("hold_out", "rate", "is_replayed", "words"),
    [(None, None, True, "--hold-out"), (0.0, None, True, "--hold-out"), (None, 5.0, False, "--replay")],
)
def test_options_that_contradict_each_other(
    hold_out: float | None, rate: float | None, is_replayed: bool, words: str
) -> None:
    with pytest.raises(InvalidInput, match=words):
        plan_of(OWN, hold_out, rate, is_replayed=is_replayed)


def test_what_is_shown_is_about_somebody_who_chose_something() -> None:
    header = "user_id,item_id,timestamp,type,value"
    rows = "a/b,x?,1,rating,5\nc,y,2,view,\na/b,y,3,rating,4\nd,z,4,dislike,\ne,z,5,rating,1\n"
    settings = TrainerSettings(event_weights={"dislike": -1.0, "rating<=2": -1.0, "view": 0.0})
    chosen = one_who_chose(events("a.csv", rows, header), settings)
    assert chosen is not None
    assert (chosen.user_id, chosen.item_id, chosen.category) == ("a/b", "x?", None)
    assert paths_to_try(chosen)[0] == "/v1/recommendations?user_id=a%2Fb&k=5"
    assert one_who_chose(events("b.csv", "d,z,4,dislike,\n", header), settings) is None
