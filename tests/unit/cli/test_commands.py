import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from streamrec import __version__
from streamrec.adapters.opening import open_event_source
from streamrec.cli.files.reading_options import parse_mapping
from streamrec.domain.events.interaction import Interaction
from streamrec.errors import InvalidInput
from streamrec.ports import INTERACTIONS
from streamrec.wire import decode_event
from tests.command_line import run

pytestmark = pytest.mark.usefixtures("in_an_empty_folder")

CLICKS = "who|what|when|price\n" + "".join(f"u{n % 3}|i{n}|{100 - n}|{n}.5\n" for n in range(20))
MAPPING = "user_id=who,item_id=what,timestamp=when,value=price"


def logged() -> list[Interaction]:
    source = open_event_source("sqlite:///var/events.db", [INTERACTIONS], "test")
    try:
        return [decode_event(record.value, 0.0) for record in source.poll(100_000, 0.0)]
    finally:
        source.close()


def test_help_names_every_command_and_needs_no_torch() -> None:
    code = (
        "import sys; from streamrec.cli.app import main\n"
        "try: main(['--help'])\n"
        "finally: assert 'torch' not in sys.modules"
    )
    root = str(Path(__file__).parents[3])
    found = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True, text=True, check=True, env={"PYTHONPATH": root, "COLUMNS": "200"},
    )  # fmt: skip
    for command in ("data", "replay", "load-items", "evaluate", "doctor", "run"):
        assert f" {command} " in found.stdout


@pytest.mark.parametrize("module", ["streamrec.cli.retraining.archiving", "streamrec.cli.export.tables"])
def test_commands_that_only_read_need_no_torch(module: str) -> None:
    code = f"import sys, {module}; assert 'torch' not in sys.modules"
    root = str(Path(__file__).parents[3])
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": root})


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--version") == 0
    assert capsys.readouterr().out == f"streamrec {__version__}\n"


def test_replay_sends_a_mapped_file_in_order_of_time(capsys: pytest.CaptureFixture[str]) -> None:
    Path("clicks.csv").write_text(CLICKS + "u|i|never|1\n")
    options = ["replay", "--events", "clicks.csv", "--map", MAPPING, "--delimiter", "|"]
    assert run(*options, "--rate", "100000") == 0
    events = logged()
    assert [event.timestamp for event in events] == list(range(81, 101))
    assert (events[0].item_id, events[0].value) == ("i19", 19.5)
    said = capsys.readouterr().err
    assert "1 of 21 rows left out: bad_timestamp 1" in said
    assert "line 22: timestamp 'never'" in said


def test_replay_skips_and_resumes() -> None:
    Path("clicks.csv").write_text(CLICKS)
    options = ["replay", "--events", "clicks.csv", "--map", MAPPING, "--delimiter", "|", "--rate", "100000"]
    assert run(*options, "--skip-fraction", "0.5") == 0
    assert [event.item_id for event in logged()] == [f"i{n}" for n in range(9, -1, -1)]
    assert run(*options, "--resume") == 0
    assert len(logged()) == 10
    assert run(*options) == 0  # without --resume: from the start
    assert len(logged()) == 30
    assert len({event.event_id for event in logged()}) == 20


GAP = "user_id,item_id,timestamp\na,x,0\nb,x,1700000000\na,y,4294967295\n"


def test_gaps_in_the_clock_are_bounded() -> None:
    Path("gap.csv").write_text(GAP)
    assert run("replay", "--events", "gap.csv", "--speed", "60", "--max-gap", "0.2") == 0
    assert len(logged()) == 3


def test_a_gap_in_the_clock_is_told_and_so_is_what_is_left() -> None:
    Path("gap.csv").write_text(GAP)
    command = [sys.executable, "-m", "streamrec", "replay", "--events", "gap.csv", "--speed", "60"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as replaying:
        assert replaying.stderr is not None
        said = ""
        while "next event" not in said:
            line = replaying.stderr.readline()
            assert line, said
            said += line
        replaying.send_signal(signal.SIGINT)
        said += replaying.stderr.read()
    assert "the next event is due in 327 days" in said
    assert "--max-gap" in said
    assert "828 days" in said  # until the last one
    assert len(logged()) == 1


def test_a_file_without_a_header_mapped_by_its_first_row_says_what_is_lost(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("f.csv").write_text("7,501,buy,1700000000\n8,502,buy,1700000060\n9,501,view,1700000120\n")
    mapping = "user_id=7,item_id=501,timestamp=1700000000,type=buy"
    assert run("replay", "--events", "f.csv", "--rate", "1000", "--map", mapping) == 0
    assert "taken for the header and not read as an event: 7, 501" in capsys.readouterr().err


def test_a_tab_as_an_option_and_a_folder_of_parts() -> None:
    Path("out").mkdir()
    for part in ("part-1.csv", "part-0.csv"):
        (Path("out") / part).write_text(f"user_id\titem_id\ttimestamp\na\t{part}\t5\n")
    assert run("replay", "--events", "out", "--rate", "1000", "--delimiter", r"\t") == 0
    assert [event.item_id for event in logged()] == ["part-0.csv", "part-1.csv"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["replay", "--events", "clicks.csv"], "give --delimiter '|'"),
        (["replay", "--events", "clicks.csv", "--max-gap", "5"], "--speed"),
        (["replay", "--events", "clicks.csv", "--map", "user_id=a,user_id=b"], "two columns: a and b"),
        (["load-items", "--file", "clicks.csv"], "give --delimiter '|'"),
        (["replay"], "give one of --dataset (for example ml-100k) and --events FILE"),
        (["replay", "--dataset", "ml-100k", "--events", "x.csv"], "give one of"),
        (["replay", "--events", "none.csv"], "there is no data set and no file 'none.csv'"),
        (["replay", "--dataset", "ml-200m"], "a name is ml-100k"),
        (["replay", "--events", "clicks.csv", "--rate", "1", "--speed", "2"], "not both"),
        (["replay", "--events", "clicks.csv", "--delimiter", "|"], "user_id=COLUMN,item_id=COLUMN"),
        (["replay", "--events", "clicks.csv", "--map", "user_id"], "wanted field=column"),
        (["load-items", "--file", "items.csv", "--url", "nonsense"], "http://host:port"),
        (["load-items"], "--file FILE"),
        (["data", "fetch", "netflix"], "a name is ml-100k"),
        (["data", "generate", "--out", "x.xlsx"], ".parquet"),
    ],
)
def test_a_mistake_is_one_clear_line_and_no_traceback(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("clicks.csv").write_text(CLICKS)
    Path("items.csv").write_text("item_id\na\n")
    assert run(*arguments) == 2
    said = capsys.readouterr().err
    assert words in said
    assert said.splitlines()[-1].startswith("error: ")
    assert "Traceback" not in said


def test_a_wrong_variable_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("clicks.csv").write_text(CLICKS)
    options = ["replay", "--events", "clicks.csv", "--map", MAPPING, "--delimiter", "|"]
    monkeypatch.setenv("STREAMREC_EVENTS_URL", "carrier-pigeon://loft")
    assert run(*options) == 2
    assert "no event log for 'carrier-pigeon://loft'" in capsys.readouterr().err
    monkeypatch.setenv("RECOMMENDER_PORT", "eighty")
    assert run("load-items", "--dataset", "ml-100k") == 2
    assert "RECOMMENDER_PORT: Input should be a valid integer" in capsys.readouterr().err


def test_generate_writes_what_replay_reads(capsys: pytest.CaptureFixture[str]) -> None:
    sizes = ["--n-events", "500", "--n-users", "20", "--n-items", "50", "--seed", "3"]
    assert run("data", "generate", *sizes, "--out", "syn.jsonl.gz") == 0
    assert capsys.readouterr().out.split() == ["syn.jsonl.gz", "syn.items.jsonl"]
    assert run("replay", "--events", "syn.jsonl.gz", "--speed", "100000000") == 0
    assert len(logged()) == 500
    items = [json.loads(line) for line in Path("syn.items.jsonl").read_text().splitlines()]
    assert len(items) == 50


def test_parse_mapping_refuses_halves() -> None:
    for wrong in ("user_id", "=x", "user_id="):
        with pytest.raises(InvalidInput):
            parse_mapping([wrong])
    assert parse_mapping(None) == {}


def test_standard_input_with_every_option() -> None:
    text = "41;ü7;Kauf;01.03.2024 10:00;1.234,50\n42;ü8;Kauf;01.03.2024 10:01;2,5\n"
    options = ["--no-header", "--map", "user_id=1,item_id=2,type=3,timestamp=4,value=5", "--delimiter", ";"]
    options += ["--decimal", ",", "--time-format", "%d.%m.%Y %H:%M", "--encoding", "cp1252", "--rate", "1000"]
    subprocess.run(
        [sys.executable, "-m", "streamrec", "replay", "--events", "-", *options],
        input=text.encode("cp1252"),
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
        check=True,
    )
    assert [(e.user_id, e.item_id, e.timestamp, e.value) for e in logged()] == [
        ("41", "ü7", 1709287200.0, 1234.5),
        ("42", "ü8", 1709287260.0, 2.5),
    ]
    # The same input again is the same events again: a consumer drops them as repeats.
    assert all(event.event_id is not None and event.event_id.startswith("stdin-") for event in logged())


def test_a_configuration_is_taken_where_no_file_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STREAMREC_TRAINER_EVENT_WEIGHTS", "{}")  # what the configuration would set
    Path("clicks.csv").write_text(CLICKS)
    pairs = (pair.split("=") for pair in MAPPING.split(","))
    columns = ", ".join(f"{field} = '{column}'" for field, column in pairs)
    Path("streamrec.toml").write_text(
        f"[[events]]\nfile = 'clicks.csv'\ndelimiter = '|'\nmap = {{{columns}}}\n[weights]\nview = 0.5\n"
    )
    assert run("replay", "--rate", "100000") == 0
    assert len(logged()) == 20
    assert os.environ["STREAMREC_TRAINER_EVENT_WEIGHTS"] == "{}"  # a variable wins
    Path("streamrec.toml").rename("other.toml")
    assert run("replay", "--config", "other.toml", "--rate", "100000") == 0
    assert len(logged()) == 40


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--events", "f.csv", "--config", "c.toml"], "give one of"),
        (["--config", "c.toml"], "there is no c.toml; `streamrec init FILE...` writes one"),
        (["--events", "f.csv", "--encoding", "rot13"], "no encoding 'rot13'"),
        (["--events", "f.csv", "--decimal", ";"], "--decimal is '.' or ','"),
        (["--events", "f.csv", "--time-format", "%H:%M"], "holds no year"),
        (["--events", "f.csv", "--lists", "tags="], "column=SEPARATOR"),
        (["--events", "f.csv"], "line 2: value '1,5' is not a number; give --decimal ,"),
        (["--events", "f.csv", "--decimal", ",", "--encoding", "utf-16"], "f.csv"),
    ],
)
def test_messages_name_the_option(options: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("f.csv").write_text('user_id,item_id,timestamp,value\na,x,5,"1,5"\n')
    run("replay", *options, "--rate", "1000")
    said = capsys.readouterr().err
    assert words in said
    assert "Traceback" not in said
