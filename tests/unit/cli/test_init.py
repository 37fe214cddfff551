"""Own files, as shops and spreadsheets write them, from `init` to the events that every command reads."""

import gzip
import json
import os
import random
import tomllib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pytest
import zstandard

from streamrec.cli.files.opening import open_chosen
from streamrec.cli.files.options import Chosen
from streamrec.datasets.config_file import read_config
from streamrec.domain.events.weights import EventWeights
from tests.command_line import run

pytestmark = pytest.mark.usefixtures("in_an_empty_folder")


class Row(NamedTuple):
    user: int
    item: int
    type: str
    at: int
    price: float


def rows(n: int = 300) -> list[Row]:
    chance = random.Random(5)
    types = chance.choices(["view", "cart", "purchase", "dislike"], [80, 12, 7, 1], k=n)
    return [
        Row(chance.randrange(40), chance.randrange(30), type_, 1_700_000_000 + 60 * at, at / 4)
        for at, type_ in enumerate(types)
    ]


ROWS = rows()


def written(head: str, row: Callable[[Row], str], encoding: str = "utf-8") -> bytes:
    return (head + "".join(row(one) + "\n" for one in ROWS)).encode(encoding)


def moment(row: Row, form: str) -> str:
    return datetime.fromtimestamp(row.at, UTC).strftime(form)


def german(row: Row) -> str:
    type_ = {"view": "Ansicht", "cart": "Warenkorb", "purchase": "Kauf", "dislike": "dislike"}[row.type]
    price = f"{row.price:.2f}".replace(".", ",")
    return f"u{row.user}ü;p{row.item};{type_};{moment(row, '%d.%m.%Y %H:%M')};{price}"


ODD_FILES: dict[str, tuple[str, bytes]] = {
    "plain": (
        "shop.csv",
        written(
            "user_id,item_id,type,timestamp,price\n",
            lambda r: f"u{r.user},p{r.item},{r.type},{r.at},{r.price}",
        ),
    ),
    "German spreadsheet": (
        "de.csv",
        written("Kunden-Nr;Artikelnummer;Aktion;Zeitpunkt;Preis\n", german, "cp1252"),
    ),
    "no header, milliseconds": ("n.txt", written("", lambda r: f"{r.user}|p{r.item}|{r.type}|{r.at * 1000}")),
    "JSON Lines named .json": (
        "e.json.gz",
        gzip.compress(
            written(
                "",
                lambda r: json.dumps(
                    {"userId": r.user, "productId": f"p{r.item}", "ts": r.at, "event": r.type}
                ),
            )
        ),
    ),
    "months first": (
        "us.csv",
        written(
            "Customer ID,StockCode,InvoiceDate\n",
            lambda r: f"{r.user},p{r.item},{moment(r, '%m/%d/%Y %I:%M %p')}",
        ),
    ),
    "ratings without a header": (
        "u.data",
        written("", lambda r: f"{r.user}\t{r.item}\t{r.at // 60 % 5 + 1}\t{r.at}"),
    ),
    "UTF-16 with sep=": (
        "u16.csv",
        written("sep=\t\nuser_id\titem_id\ttimestamp\n", lambda r: f"ü{r.user}\tp{r.item}\t{r.at}", "utf-16"),
    ),
    "microseconds, zstd": (
        "s.csv.zst",
        zstandard.compress(
            written("session_id,sku,event_time\n", lambda r: f"s{r.user},p{r.item},{r.at}000000")
        ),
    ),
    "days of a spreadsheet, items first": (
        "serial.csv",
        written(
            "product;client;when\n",
            lambda r: f"p{r.item};c{r.user};{(r.at / 86400 + 25569)!r}".replace(".", ","),
        ),
    ),
    "Latin-1 in JSON Lines": (
        "l.jsonl",
        written(
            "", lambda r: f'{{"user_id":"Jürgen{r.user}","item_id":"p{r.item}","timestamp":{r.at}}}', "cp1252"
        ),
    ),
}


@pytest.mark.parametrize("kind", list(ODD_FILES))
def test_what_init_writes_reads_every_row(kind: str) -> None:
    name, content = ODD_FILES[kind]
    Path(name).write_bytes(content)
    assert run("init", name) == 0
    events = open_chosen(Chosen(None, read_config(Path("streamrec.toml"))))
    assert events.report.summary() == []
    assert len(events) == len(ROWS)
    digits = [int("".join(filter(str.isdigit, event.user_id))) for event in events]
    assert digits == [row.user for row in ROWS]
    assert [int(event.item_id.lstrip("p")) for event in events] == [row.item for row in ROWS]
    assert [event.timestamp // 60 for event in events] == [row.at // 60 for row in ROWS]


def test_items_weights_and_how_sure_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    name, content = ODD_FILES["German spreadsheet"]
    Path(name).write_bytes(content)
    items = "".join(f"p{n};Größe {n};Garten/Büro;{n},5;{'ja' if n == 3 else 'nein'}\n" for n in range(30))
    Path("waren.csv").write_bytes(
        ("Artikelnummer;Bezeichnung;Kategorie;Preis;hidden\n" + items).encode("cp1252")
    )
    assert run("init", name, "waren.csv") == 0
    told = capsys.readouterr()
    for words in ("cp1252", "';'", "decimal comma", "%d.%m.%Y %H:%M", "100.0%", "'Kauf'"):
        assert words in told.out
    assert "run" in told.err
    files = read_config(Path("streamrec.toml"))
    events = open_chosen(Chosen(None, files))
    assert (events[1].type, events[1].value) == ("Ansicht" if ROWS[1].type == "view" else "", ROWS[1].price)
    item = events.catalog[3]
    assert (item.title, item.categories, item.is_hidden) == ("Größe 3", ("Garten", "Büro"), True)
    assert item.attributes == {"Preis": 3.5}
    weights = EventWeights(files.weights)
    assert [weights.of(type_) for type_ in ("Ansicht", "Kauf", "dislike", "impression")] == [0.5, 1, -1, 0]


def test_stars_become_rules() -> None:
    Path("r.csv").write_bytes(
        written("userId,movieId,rating,timestamp\n", lambda r: f"{r.user},{r.item},{r.item % 5 + 1},{r.at}")
    )
    assert run("init", "r.csv") == 0
    weights = EventWeights(read_config(Path("streamrec.toml")).weights)
    assert [weights.of("interaction", stars) for stars in (1, 2, 3, 4, 5)] == [-1, -1, 0, 1, 1]


def test_ids_of_the_items_tell_which_column_is_the_item() -> None:
    Path("e.csv").write_bytes(written("a,b,c\n", lambda r: f"{r.user},p{r.item},{r.at}"))
    Path("i.csv").write_text("product,name\n" + "".join(f"p{n},{n}\n" for n in range(30)))
    assert run("init", "e.csv", "i.csv") == 0
    mapping = tomllib.loads(Path("streamrec.toml").read_text())["events"][0]["map"]
    assert mapping == {"item_id": "b", "timestamp": "c", "user_id": "a"}


@pytest.mark.parametrize("head", ["Artikelnr;Bezeichnung", "x1;x2", "id;Bezeichnung"])
@pytest.mark.parametrize("is_first", [True, False])
def test_what_is_chosen_tells_which_column_is_the_id_of_items(head: str, is_first: bool) -> None:
    Path("shop.csv").write_bytes(
        written("Kundennr;Artikelnr;Datum\n", lambda r: f"{r.user};p{r.item};{r.at}", "cp1252")
    )
    names = [f"{number}001;p{number}" if "id" in head else f"p{number};Stuhl" for number in range(60)]
    Path("items.csv").write_text("\n".join([head, *names]) + "\n")
    files = ["items.csv", "shop.csv"] if is_first else ["shop.csv", "items.csv"]
    assert run("init", *files) == 0
    config = tomllib.loads(Path("streamrec.toml").read_text("utf-8"))
    column = head.split(";")[1 if "id" in head else 0]
    assert config["items"][0]["map"]["item_id"] == column
    assert config["events"][0]["map"]["user_id"] == "Kundennr"


def test_items_of_other_ids_are_told_of(capsys: pytest.CaptureFixture[str]) -> None:
    Path("e.csv").write_bytes(written("user,item,time\n", lambda r: f"{r.user},{r.item},{r.at}"))
    for prefix, is_told in (("p", True), ("", False)):
        Path("i.csv").write_text("item_id,title\n" + "".join(f"{prefix}{n},{n}\n" for n in range(30)))
        assert run("init", "--force", "e.csv", "i.csv") == 0
        assert ("0.0% of the rows name an item of the files of items" in capsys.readouterr().out) is is_told


def test_floats_are_the_ids_of_the_items(capsys: pytest.CaptureFixture[str]) -> None:
    lines = written("", lambda r: json.dumps({"a": float(r.item), "b": float(r.user), "c": r.at}))
    Path("e.jsonl").write_bytes(lines)
    Path("i.csv").write_text("product,name\n" + "".join(f"{n},{n}\n" for n in range(30)))
    assert run("init", "e.jsonl", "i.csv") == 0
    mapping = tomllib.loads(Path("streamrec.toml").read_text())["events"][0]["map"]
    assert mapping == {"item_id": "a", "timestamp": "c", "user_id": "b"}
    assert "files of items" not in capsys.readouterr().out


def test_days_or_months_first_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    days = "".join(f"u{n % 9},i{n % 13},{n % 12 + 1:02d}/{n * 7 % 12 + 1:02d}/2024\n" for n in range(200))
    Path("a.csv").write_text("user,item,date\n" + days)
    assert run("init", "a.csv") == 2
    said = capsys.readouterr().err
    assert "--time-format '%d/%m/%Y'" in said and "--time-format '%m/%d/%Y'" in said  # noqa: PT018
    assert not Path("streamrec.toml").exists()
    assert run("init", "a.csv", "--time-format", "%d/%m/%Y") == 0
    events = open_chosen(Chosen(None, read_config(Path("streamrec.toml"))))
    assert events[0].timestamp == datetime(2024, 1, 1, tzinfo=UTC).timestamp()


def test_a_file_that_is_there_is_not_replaced(capsys: pytest.CaptureFixture[str]) -> None:
    Path("shop.csv").write_bytes(ODD_FILES["plain"][1])
    assert run("init", "shop.csv") == 0
    Path("streamrec.toml").write_text("events = []")
    assert run("init", "shop.csv") == 2
    assert "--force" in capsys.readouterr().err
    assert run("init", "shop.csv", "--force") == 0
    assert len(read_config(Path("streamrec.toml")).events) == 1


ODD_NAMES: Sequence[str] = ('a "b" [c].csv', "ü=x#y.csv", "tab\tname.csv")


@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_names_come_back(name: str) -> None:
    column = 'time "of" [day] = #\\ ü'
    Path(name).write_bytes(
        written(
            f'user,item,"{column.replace(chr(34), chr(34) * 2)}"\n', lambda r: f"{r.user},{r.item},{r.at}"
        )
    )
    os.mkdir("below")
    assert run("init", name, "--out", "below/own.toml") == 0
    files = read_config(Path("below/own.toml"))
    assert files.events[0].reading.mapping["timestamp"] == column
    assert len(open_chosen(Chosen(None, files))) == len(ROWS)
