"""Every step that lasts has a fault point, and a point does what a test asks for."""

import ast
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from streamrec.errors import ConfigurationError
from streamrec.faults.points import arm, fault_point, is_armed

ROOT = Path(__file__).parents[2]
PACKAGES = ("streamrec", "models", "faiss_server", "recommender_server")

LEFT_OUT = {
    "streamrec/faults/points.py": "writes what the points write",
    "streamrec/process/forked.py": "tells its parent by a pipe",
    "streamrec/schemas/__init__.py": "a developer's command writes the repository's own files",
    "streamrec/datasets/synthetic_events.py": "made-up data: a repeat makes the same file",
    "streamrec/datasets/files/item_files.py": "a file of a conversion, which a repeat writes again",
    "streamrec/datasets/archive/rows.py": "pyarrow writes; synced and renamed once it is whole",
    "streamrec/cli/": "files that a person asked for, logs, probes: nothing goes on from them",
    "streamrec/evaluation/plot.py": "a picture for people",
    "recommender_server/own_data/": "uploads, which are sent again where they were cut off, and a log",
    "streamrec/adapters/sqlite/copies/whole_file.py": "a backup given back: a repeat starts over",
    "streamrec/adapters/redis/copies.py": "a backup given back: a repeat starts over",
    "streamrec/adapters/kafka/restored_topic.py": "a backup given back: a repeat starts over",
    "streamrec/adapters/kafka/drivers/": "ends of `KafkaEventSink` and `KafkaCommits`, which have the points",
    "streamrec/adapters/kafka/offsets.py": "an end of `KafkaCommits`, which has the point",
}
"""Why a file, or those of a folder, have steps without a point."""

READING = {
    ("streamrec/adapters/redis/cache.py", "history"),
    ("streamrec/adapters/redis/kinds.py", "keys_of_other_kinds"),
    ("streamrec/adapters/redis/tallies.py", "tallies_of"),
    ("streamrec/durable_files.py", "refuse_unwritable"),
}
"""Functions whose steps leave nothing behind."""

_FILE_STEPS = {"write_bytes", "write_text", "save_file", "copyfile", "fsync", "fdatasync"}
_REDIS_WRITES = {"eval", "publish", "delete", "set", "hset", "zadd", "zpopmin", "expire", "restore"}
_KAFKA_STEPS = {"send", "send_to_each", "produce", "commit"}


def sources() -> Iterator[tuple[str, str]]:
    """Yield each module's path and text."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            if not name.startswith(tuple(LEFT_OUT)):
                yield name, path.read_text("utf-8")


def steps_without_a_point(source: str, path: str) -> list[str]:
    """Return the steps that last and are not directly preceded by a point in their function.

    Names of files are left out: Python tells of each that is opened for writing, renamed, linked or removed.
    """
    found = []
    for function in ast.walk(ast.parse(source)):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if (path, function.name) in READING:
            continue
        calls = [node for node in ast.walk(function) if isinstance(node, ast.Call)]
        is_ready = False
        for call in sorted(calls, key=lambda call: (call.end_lineno or 0, call.end_col_offset or 0)):
            name = name_of(call)
            if name in ("fault_point", "writing_through_points"):
                is_ready = True
            elif is_step(call, name, path):
                if not is_ready and not is_opened_for_points(call, function):
                    found.append(f"{path}:{call.lineno} {name}")
                is_ready = False
    return sorted(set(found))


def name_of(call: ast.Call) -> str:
    """Return what a call calls, without whose it is."""
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def is_step(call: ast.Call, name: str, path: str) -> bool:
    """Return whether a call leaves something behind."""
    if name in _FILE_STEPS or is_sql_commit(call, name) or is_open_to_write(call, name):
        return True
    owner = ast.unparse(call.func.value) if isinstance(call.func, ast.Attribute) else ""
    if path.startswith("streamrec/adapters/redis/"):
        is_pipeline = name == "execute" and owner.endswith("pipeline")
        return is_pipeline or (name in _REDIS_WRITES and owner.endswith(("redis", "_redis")))
    if path.startswith("streamrec/adapters/mongo/") and name.endswith("MongoClient"):
        return not any(word.arg is None for word in call.keywords)  # our options bring the points
    if path.startswith("streamrec/adapters/kafka/"):
        return name in _KAFKA_STEPS and owner.endswith(("producer", "consumer", "_offsets"))
    return False


def is_sql_commit(call: ast.Call, name: str) -> bool:
    """Return whether a call ends a transaction of SQLite."""
    first = call.args[0] if call.args else None
    return name == "execute" and isinstance(first, ast.Constant) and str(first.value).upper() == "COMMIT"


def is_open_to_write(call: ast.Call, name: str) -> bool:
    """Return whether a call opens a file to write."""
    modes = [*call.args, *(word.value for word in call.keywords if word.arg == "mode")]
    texts = [one.value for one in modes if isinstance(one, ast.Constant) and isinstance(one.value, str)]
    return name == "open" and any(set(text) <= set("rwxabt+") and set(text) & set("wxa+") for text in texts)


def is_opened_for_points(call: ast.Call, function: ast.AST) -> bool:
    """Return whether what is opened is written through points."""
    names = {name_of(node) for node in ast.walk(function) if isinstance(node, ast.Call)}
    return name_of(call) == "open" and "writing_through_points" in names


def test_every_step_that_lasts_has_a_point() -> None:
    texts = dict(sources())
    assert len(texts) > 300
    assert [step for path, text in texts.items() for step in steps_without_a_point(text, path)] == []


@pytest.mark.parametrize("name", LEFT_OUT)
def test_what_is_left_out_is_there(name: str) -> None:
    assert (ROOT / name).exists()


@pytest.mark.parametrize(
    ("path", "step"),
    [
        ("models/checkpoint.py", "path.write_bytes(b'')"),
        ("models/checkpoint.py", "os.fsync(number)"),
        ("streamrec/bars/checkpoint.py", "path.open('wb')"),
        ("streamrec/bars/checkpoint.py", "open(path, mode='a')"),
        ("streamrec/adapters/sqlite/store.py", "connection.execute('COMMIT')"),
        ("streamrec/adapters/redis/cache.py", "await self._redis.delete(key)"),
        ("streamrec/adapters/redis/cache.py", "await pipeline.execute()"),
        ("streamrec/adapters/mongo/store.py", "MongoClient(url)"),
        ("streamrec/adapters/kafka/sink.py", "producer.send(topic, chunk)"),
    ],
)
def test_a_step_without_a_point_is_found(path: str, step: str) -> None:
    bare = f"async def write():\n    {step}\n"
    assert len(steps_without_a_point(bare, path)) == 1
    with_point = f"async def write():\n    fault_point('write')\n    {step}\n"
    assert steps_without_a_point(with_point, path) == []
    assert len(steps_without_a_point(f"{with_point}    {step}\n", path)) == 1, "one point is one step's"


def test_sqlite_and_its_transactions_are_at_one_place() -> None:
    connecting = [path for path, text in sources() if "sqlite3.connect(" in text]
    assert connecting == [
        "streamrec/adapters/sqlite/connection.py",
        "streamrec/adapters/sqlite/open_elsewhere.py",  # looks who has a file open
    ]
    beginning = [path for path, text in sources() if '"BEGIN' in text]
    assert beginning == ["streamrec/adapters/sqlite/connection.py"]


def run(code: str, fault: str) -> "subprocess.CompletedProcess[str]":
    """Run a program with a fault armed, without coverage: that makes, and removes, files of its own."""
    armed = f"import os\nfrom pathlib import Path\nfrom streamrec.faults.points import *\narm({fault!r})\n"
    command = [sys.executable, "-c", armed + code]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


WRITING = """
from streamrec.durable_files import replace_bytes
replace_bytes(Path({path!r}), b"new and longer")
"""


@pytest.mark.parametrize(
    ("fault", "left"),
    [
        ("open:.file.#.tmp:1:kill", []),
        ("write:.file.#.tmp:1:kill", [0]),
        ("write:.file.#.tmp:1:torn", [7]),
        ("fsync:.file.#.tmp:1:kill", [14]),
        ("rename:file:1:kill", [14]),
    ],
)
def test_a_process_dies_at_a_point_and_leaves_the_old_file(
    fault: str, left: list[int], tmp_path: Path
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    ended = run(WRITING.format(path=str(path)), fault)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    assert path.read_bytes() == b"old"
    assert [one.stat().st_size for one in tmp_path.glob(".file.*")] == left


@pytest.mark.parametrize("action", ["short", "enospc", "eio"])
def test_a_step_fails_and_leaves_the_old_file_alone(action: str, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    ended = run(WRITING.format(path=str(path)), f"write:*:1:{action}")
    assert ended.returncode == 1
    assert ("Input/output error" if action == "eio" else "No space left on device") in ended.stderr
    assert (path.read_bytes(), os.listdir(tmp_path)) == (b"old", ["file"])


def test_a_fault_happens_at_the_hit_that_is_meant_or_from_it_on() -> None:
    step = "try:\n        fault_point('step', n)\n    except OSError:\n        print(n)\n"
    code = f"for n in range(4):\n    {step}"
    assert run(code, "step:*:2:eio").stdout.split() == ["1"]
    assert run(code, "step:*:3+:eio").stdout.split() == ["2", "3"]


def test_points_are_written_down_in_order(tmp_path: Path) -> None:
    path = tmp_path / "file"
    ended = run(WRITING.format(path=str(path)), f"record:{tmp_path}/points")
    assert ended.returncode == 0, ended.stderr
    steps = [line.partition(":")[0] for line in (tmp_path / "points").read_text().splitlines()]
    assert steps == ["open", "write", "fsync", "rename", "remove", "fsync"]


@pytest.mark.parametrize("spec", ["kill", "a:0:kill", "a:x:kill", "a:1:explode", ":1:kill"])
def test_what_is_no_fault_is_refused(spec: str) -> None:
    with pytest.raises(ConfigurationError, match="STREAMREC_FAULT"):
        arm(spec)
    assert not is_armed()


def test_a_point_without_a_fault_does_nothing() -> None:
    arm("")
    fault_point("rename", Path("CURRENT"))
    assert not is_armed()
