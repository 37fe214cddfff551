import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from streamrec.cli.app import main
from streamrec.cli.service_call import Service
from streamrec.errors import ConfigurationError, InvalidInput, Overloaded, RefusedBody, Unavailable, UnknownId


class Answerer(ThreadingHTTPServer):
    """A service that answers as told, and keeps what it was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), AnswererHandler)
        self.answers: list[tuple[int, bytes]] = []
        self.asked: list[tuple[str, str, str | None, object]] = []
        self.refused = ""
        self.taken: list[dict[str, str]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class AnswererHandler(BaseHTTPRequestHandler):
    server: Answerer

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        key = self.headers.get("X-API-Key")
        self.server.asked.append((self.command, self.path, key, json.loads(body) if body else None))
        status, content = self.server.answers.pop(0) if self.server.answers else (204, b"")
        if isinstance(items := self.server.asked[-1][-1], list):
            if self.server.refused and any(item.get("title") == self.server.refused for item in items):
                status, content = 422, b'{"detail": "bad is no title"}'
            else:
                self.server.taken += items
        self.send_response(status)
        self.send_header("Retry-After", "7")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_PUT = do_POST = answer  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def answerer() -> Iterator[Answerer]:
    server = Answerer()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def test_an_answer_is_decoded(answerer: Answerer) -> None:
    answerer.answers = [(200, b'{"a": [1]}')]
    service = Service(answerer.url, api_key="k")
    assert service.call("POST", "/v1/x?y=1", {"b": 2}) == {"a": [1]}
    assert service.get("/nothing") is None
    assert answerer.asked == [("POST", "/v1/x?y=1", "k", {"b": 2}), ("GET", "/nothing", "k", None)]


@pytest.mark.parametrize(
    ("status", "content", "error", "words"),
    [
        (400, b'{"title": "Bad", "detail": "k is 0"}', RefusedBody, "answers 400: k is 0"),
        (405, b'{"title": "Not allowed"}', InvalidInput, "answers 405: Not allowed"),
        (
            401,
            b'{"detail": "send a valid key"}',
            ConfigurationError,
            "send a valid key; name one of its keys by",
        ),
        (404, b'{"title": "Not found"}', UnknownId, "answers 404: Not found"),
        (429, b"{}", Overloaded, "429"),
        (503, b'{"detail": "loading"}', Unavailable, "loading"),
        (200, b"<html>", Unavailable, "something else listens there"),
        (500, b"[1]", Unavailable, "500"),
    ],
)
def test_a_refusal_is_an_error_that_says_whether_a_retry_helps(
    answerer: Answerer, status: int, content: bytes, error: type[Exception], words: str
) -> None:
    answerer.answers = [(status, content)]
    with pytest.raises(error, match=words) as caught:
        Service(answerer.url).get("/")
    assert type(caught.value) is error
    if isinstance(caught.value, Overloaded):
        assert caught.value.retry_after_s == 7.0


def test_a_key_that_is_refused_is_spoken_of(answerer: Answerer) -> None:
    answerer.answers = [(401, b'{"title": "Unauthorized"}')]
    with pytest.raises(ConfigurationError, match="STREAMREC_API_KEY is none of its keys"):
        Service(answerer.url, api_key="old").get("/")


def test_nobody_there_is_unavailable() -> None:
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1:9 does not answer"):
        Service("http://127.0.0.1:9").get("/")
    for wrong in ("127.0.0.1:8000", "ftp://host", "http://", "http://host:port"):
        with pytest.raises(ConfigurationError):
            Service(wrong).get("/")


def test_load_items_sends_batches_and_tries_again_where_that_helps(
    answerer: Answerer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "items.jsonl"
    file.write_text("".join(f'{{"item_id": "i{n}", "title": "T", "updated_at": 5}}\n' for n in range(450)))
    answerer.answers = [(204, b""), (503, b"{}"), (204, b"")]
    with pytest.raises(SystemExit) as exited:
        main(["load-items", "--file", str(file), "--url", answerer.url, "--api-key", "secret"])
    assert exited.value.code == 0
    bodies = [body for *_, body in answerer.asked]
    assert [len(body) for body in bodies if isinstance(body, list)] == [200, 200, 200, 50]
    assert answerer.asked[0][:3] == ("PUT", "/v1/items", "secret")
    assert bodies[-1] == [{"item_id": f"i{n}", "title": "T"} for n in range(400, 450)]
    assert "450 items are at" in capsys.readouterr().err


def test_load_items_takes_a_delimiter_and_tells_what_it_leaves_out(
    answerer: Answerer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "items.csv"
    file.write_text('item_id;title\n7;Cup, small\n8\n\\N;nobody\n9;"Two\nlines"\n')
    with pytest.raises(SystemExit) as exited:
        main(["load-items", "--file", str(file), "--url", answerer.url, "--delimiter", ";"])
    assert exited.value.code == 0
    wanted = [{"item_id": "7", "title": "Cup, small"}, {"item_id": "9", "title": "Two\nlines"}]
    assert [body for *_, body in answerer.asked] == [wanted]
    said = capsys.readouterr().err
    assert "2 of 4 rows left out: wrong_columns 1, null_id 1" in said
    assert "items.csv, line 3: 1 fields" in said
    assert "2 items are at" in said


def test_load_items_reads_numbers_lists_and_truths(answerer: Answerer, tmp_path: Path) -> None:
    file = tmp_path / "waren.txt"
    text = "7;Größe;3,50;007;rot/blau;Garten|Büro;nein\n8;Tisch;1.200,00;008;;;ja\n"
    file.write_bytes(text.encode("cp1252"))
    columns = "item_id=1,title=2,price=3,code=4,colors=5,categories=6,is_hidden=7"
    options = ["--no-header", "--map", columns, "--delimiter", ";", "--encoding", "cp1252"]
    with pytest.raises(SystemExit) as exited:
        main(
            ["load-items", "--file", str(file), "--url", answerer.url, *options, "--decimal", ","]
            + ["--lists", "5=/"]
        )
    assert exited.value.code == 0
    ((*_, body),) = answerer.asked
    assert body == [
        {"item_id": "7", "title": "Größe", "categories": ["Garten", "Büro"],
         "attributes": {"price": 3.5, "code": "007", "colors": ["rot", "blau"]}},
        {"item_id": "8", "title": "Tisch", "is_hidden": True, "attributes": {"price": 1200, "code": "008"}},
    ]  # fmt: skip


def test_load_items_of_nothing_is_an_error(
    answerer: Answerer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "items.csv"
    file.write_text("item_id,title\na\n")
    with pytest.raises(SystemExit) as exited:
        main(["load-items", "--file", str(file), "--url", answerer.url])
    assert exited.value.code == 2
    assert "not one row" in capsys.readouterr().err


def test_load_items_stops_at_a_refusal_of_all_requests(
    answerer: Answerer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "items.jsonl"
    file.write_text('{"item_id": "i"}\n' * 300)
    answerer.answers = [(405, b'{"title": "no PUT here"}')]
    with pytest.raises(SystemExit) as exited:
        main(["load-items", "--file", str(file), "--url", answerer.url])
    assert exited.value.code == 2
    assert "no PUT here" in capsys.readouterr().err
    assert len(answerer.asked) == 1


def test_load_items_leaves_out_what_the_service_refuses(
    answerer: Answerer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "items.jsonl"
    titles = {7: "bad", 199: "bad", 200: "bad", 444: "bad"}
    file.write_text("".join(f'{{"item_id": "i{n}", "title": "{titles.get(n, n)}"}}\n' for n in range(450)))
    answerer.refused = "bad"
    with pytest.raises(SystemExit) as exited:
        main(["load-items", "--file", str(file), "--url", answerer.url])
    assert exited.value.code == 0
    taken = [item["item_id"] for item in answerer.taken]
    assert taken == [f"i{n}" for n in range(450) if n not in titles]
    said = capsys.readouterr().err
    assert "4 of 450 rows left out: refused 4" in said
    assert "items.jsonl, line 8: item 'i7': bad is no title" in said
    assert "446 items are at" in said


def test_load_items_of_which_none_is_taken_is_an_error(
    answerer: Answerer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "items.jsonl"
    file.write_text('{"item_id": "i", "title": "bad"}\n' * 3)
    answerer.refused = "bad"
    with pytest.raises(SystemExit) as exited:
        main(["load-items", "--file", str(file), "--url", answerer.url])
    assert exited.value.code == 2
    assert "was taken" in capsys.readouterr().err
