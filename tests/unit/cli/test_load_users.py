"""`load-users`: attributes from files of any kind, one request for each user."""

from pathlib import Path

import pytest

from streamrec.cli.app import main
from tests.unit.cli.test_service_call import Answerer, answerer

__all__ = ["answerer"]


def load(answerer: Answerer, path: Path, *options: str) -> int:
    with pytest.raises(SystemExit) as exited:
        main(["load-users", "--file", str(path), "--url", answerer.url, *options])
    assert isinstance(exited.value.code, int)
    return exited.value.code


def test_each_column_but_the_id_is_an_attribute(answerer: Answerer, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text('id;job;likes;title\n7;nurse;tea|rain;\na/b <x>;"co;ok";;Dr\n')
    answerer.answers = [(503, b"{}")]
    how = ("--delimiter", ";", "--map", "user_id=id,trade=job", "--lists", "likes")
    assert load(answerer, file, *how, "--api-key", "secret") == 0
    assert [asked[:3] for asked in answerer.asked] == [
        ("PUT", "/v1/users/7", "secret"),
        ("PUT", "/v1/users/7", "secret"),
        ("PUT", "/v1/users/a%2Fb%20%3Cx%3E", "secret"),
    ]
    assert [body for *_, body in answerer.asked[1:]] == [
        {"attributes": {"trade": "nurse", "likes": ["tea", "rain"]}},
        {"attributes": {"trade": "co;ok", "title": "Dr"}},
    ]


def test_what_is_no_user_is_left_out_and_told(
    answerer: Answerer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "people.jsonl"
    file.write_text(
        '{"user_id": 5, "age": 30, "attributes": {"age": 31}}\n{"age": 3}\n[]\n'
        '{"user_id": "x", "attributes": 5}\n'
        '{"user_id": "refused"}\n'
    )
    answerer.answers = [(204, b""), (422, b'{"detail": "no"}')]
    assert load(answerer, file) == 0
    assert answerer.asked[0][1:] == ("/v1/users/5", None, {"attributes": {"age": 31}})
    said = capsys.readouterr().err
    assert "4 of 5 rows left out" in said
    assert "attributes of 1 users are at" in said


def test_a_file_without_ids_or_without_users_is_an_error(
    answerer: Answerer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "people.csv"
    file.write_text("who,job\na,nurse\n")
    assert load(answerer, file) != 0
    assert "--map user_id=COLUMN" in capsys.readouterr().err
    file.write_text("user_id,job\n,nurse\n")
    assert load(answerer, file) != 0
    assert "not one row of" in capsys.readouterr().err
    assert not answerer.asked
