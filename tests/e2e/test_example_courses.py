"""The school on the product, as its README shows it."""

import csv
import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from examples.courses.generate import COLUMNS, School, groups_in
from examples.courses.mapping import events_of, items_of
from streamrec.cli.launch.local_servers import free_port, is_listening
from tests.e2e.example_app import ask
from tests.e2e.processes import Process, python

N_USERS = 240

WRONG = {
    "text": b'{"user_handle": "1"}',
    "truth": b'{"user_handle": true}',
    "fraction": b'{"user_handle": 1.5}',
    "list": b'{"user_handle": [1]}',
    "null": b'{"user_handle": null}',
    "other name": b'{"user": 1}',
    "no object": b"1",
    "nothing": b"",
    "no JSON": b"user_handle=1",
    "not UTF-8": b'{"user_handle": "\xff"}',
    "deeply nested": b"[" * 9_000,
    "more digits than an integer has": b'{"user_handle": 1%s}' % (b"0" * 8_000),
}


class RunningSchool(NamedTuple):
    port: int
    data: Path

    def ask(self, method: str, path: str, body: bytes | None = None) -> tuple[int, Any]:
        return ask(self.port, method, path, body)

    def predict(self, handle: int) -> tuple[int, Any]:
        return self.ask("POST", "/predict", json.dumps({"user_handle": handle}).encode())


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSchool]:
    folder, port = tmp_path_factory.mktemp("courses"), free_port()
    options = ["--folder", str(folder), "--port", str(port), f"--users={N_USERS}", "--group-size=20"]
    command = python("-m", "examples.courses", *options)
    process = Process(folder, "courses", command, {"PYTHONUNBUFFERED": "1"}).start()
    try:
        process.wait_for_words("Ctrl-C stops.")
        yield RunningSchool(port, folder / "data")
    finally:
        process.end(signal.SIGINT)
    assert process.running.returncode == 0, process.said()
    assert process.said().rstrip().endswith("Stopped.")
    assert not is_listening(port)


def test_a_customer_is_like_those_of_the_planted_group(school: RunningSchool) -> None:
    groups = groups_in(school.data)
    n_right = 0
    for handle in range(1, 41):
        status, answer = school.predict(handle)
        assert status == 200
        customers = answer["similar_customers"]
        handles = [customer["user_handle"] for customer in customers]
        assert len(set(handles) - {handle}) == 10
        scores = [customer["score"] for customer in customers]
        assert scores == sorted(scores, reverse=True)
        n_right += sum(groups[str(other)] == groups[str(handle)] for other in handles)
    assert n_right / 400 >= 0.9


def test_of_a_similar_customer_is_told_what_they_watch(school: RunningSchool) -> None:
    _, answer = school.predict(1)
    assert answer["user_handle"] == 1
    assert answer["reason"] is None
    tags = {tag for item in items_of(school.data) for tag in item.get("attributes", {}).get("tags", ())}
    longest = max(event["value"] or 0 for event in events_of(school.data))
    for customer in answer["similar_customers"]:
        assert 1 <= len(customer["watches"]) <= 5
        for use in customer["watches"]:
            assert use["tag"] in tags
            assert use["n_views"] >= 1
            assert 0 < use["mean_view_seconds"] <= longest


def test_the_front_page_says_how_to_ask(school: RunningSchool) -> None:
    status, answer = school.ask("GET", "/")
    assert status == 200
    assert 'POST /predict {"user_handle": 1}' in answer["how"]


@pytest.mark.parametrize("handle", [0, -1, N_USERS + 1, 2**62])
def test_an_unknown_handle_is_not_found(school: RunningSchool, handle: int) -> None:
    assert school.predict(handle)[0] == 404


@pytest.mark.parametrize("case", WRONG)
def test_what_is_no_handle_is_refused_with_a_reason(school: RunningSchool, case: str) -> None:
    status, answer = school.ask("POST", "/predict", WRONG[case])
    assert (status, bool(answer["description"])) == (400, True)


def test_a_body_without_end_is_not_read(school: RunningSchool) -> None:
    assert school.ask("POST", "/predict", b" " * 20_000)[0] == 413


def test_equal_seeds_make_equal_files_of_the_columns_that_are_told(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        School(60, 20, seed).write(tmp_path / name)
    for name, columns in COLUMNS.items():
        a, b, c = ((tmp_path / folder / f"{name}.csv").read_text() for folder in "abc")
        assert a == b != c
        assert tuple(next(csv.reader(a.splitlines()))) == columns
    events = events_of(tmp_path / "a")
    assert {event["type"] for event in events} == {"view", "interest", "assessment"}
    assert {event["item_id"] for event in events} <= {item["item_id"] for item in items_of(tmp_path / "a")}
    moments = [event["timestamp"] for event in events]
    assert moments == sorted(moments)
