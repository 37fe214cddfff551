"""A small shop's events and items, in ten forms that shops, spreadsheets and jobs write."""

import gzip
import json
import random
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

N_EVENTS = 6_000
N_ITEMS = 300
N_USERS = 400

_SPAN_S = 400
"""Between two events: the shop's are of four weeks."""


class Row(NamedTuple):
    """One event: `at` in Unix seconds, the price that was seen or paid."""

    user: int
    item: int
    type: str
    at: int
    price: float

    def when(self, form: str) -> str:
        """Return the time as a pattern of `strftime` has it, in UTC."""
        return datetime.fromtimestamp(self.at, UTC).strftime(form)


def rows(n_events: int = N_EVENTS) -> list[Row]:
    """Return the events, in order: people come back to one part of the shop, a few items sell best."""
    chance = random.Random(7)
    prices = [round(chance.uniform(1, 300), 2) for _ in range(N_ITEMS)]
    found = []
    for number in range(n_events):
        user = int(N_USERS * chance.random() ** 1.5)
        item = (user % 10 * 30 + int(30 * chance.random() ** 2)) % N_ITEMS
        type_ = chance.choices(["view", "cart", "purchase"], [80, 13, 7])[0]
        found.append(Row(user, item, type_, 1_700_000_000 + number * _SPAN_S, prices[item]))
    return found


def _lines(head: str, line: Callable[[Row], str], ending: str = "\n") -> str:
    return head + "".join(line(row) + ending for row in rows())


def _comma(price: float) -> str:
    return f"{price:.2f}".replace(".", ",")


def _spreadsheet(folder: Path) -> str:
    words = {"view": "Ansicht", "cart": "Warenkorb", "purchase": "Kauf"}
    text = _lines(
        "Kunden-Nr;Artikelnummer;Aktion;Zeitpunkt;Preis\r\n",
        lambda r: f"Müller{r.user};p{r.item};{words[r.type]};{r.when('%d.%m.%Y %H:%M')};{_comma(r.price)}",
        "\r\n",
    )
    return _written(folder / "bestellungen.csv", text.encode("cp1252"))


def _no_header(folder: Path) -> str:
    text = _lines("", lambda r: f"{r.user}|p{r.item}|{r.type}|{r.at * 1000}")
    return _written(folder / "export.txt", text.encode())


def _packed(folder: Path) -> str:
    text = _lines(
        "user_id,item_id,event_type,event_time,price\n",
        lambda r: f"{r.user},p{r.item},{r.type},{r.when('%Y-%m-%d %H:%M:%S UTC')},{r.price}",
    )
    return _written(folder / "2023-Nov.csv.gz", gzip.compress(text.encode()))


def _parts(folder: Path) -> str:
    found = rows()
    parts = folder / "events.parquet"
    parts.mkdir()
    for number in range(4):
        table = _table(found[number::4], [str(row.user) for row in found[number::4]])
        pq.write_table(table, parts / f"part-{number:05}.snappy.parquet")
    (parts / "_SUCCESS").touch()
    return parts.name


def _bytes_as_ids(folder: Path) -> str:
    found = rows()
    pq.write_table(_table(found, [f"u{row.user}".encode() for row in found]), folder / "events.pq")
    return "events.pq"


def _table(found: list[Row], users: list[str] | list[bytes]) -> pa.Table:
    moments = pa.array([row.at * 1_000_000 for row in found], pa.timestamp("us", "UTC"))
    columns = {"visitor": users, "product_id": [f"p{row.item}" for row in found], "event_time": moments}
    return pa.table({**columns, "event": [row.type for row in found], "price": [row.price for row in found]})


def _floats_as_ids(folder: Path) -> str:
    def line(row: Row) -> str:
        names = {"user_id": float(row.user), "item_id": float(row.item), "timestamp": row.at}
        value = None if row.item % 50 == 0 else row.price
        return json.dumps({**names, "type": row.type, "value": value})

    return _written(folder / "events.jsonl", _lines("", line).encode())


def _days_first(folder: Path) -> str:
    text = _lines(
        "customer, sku, action, date, price\n",
        lambda r: f"c{r.user}, p{r.item}, {r.type}, {r.when('%d/%m/%Y %H:%M:%S')}, {r.price}",
    )
    return _written(folder / "orders.csv", text.encode())


def _sep(folder: Path) -> str:
    text = _lines(
        "sep=;\r\nuser_id;item_id;timestamp;type;value\r\n",
        lambda r: f'"{r.user}";"p{r.item}";{r.at};{r.type};{_comma(r.price)}',
        "\r\n",
    )
    return _written(folder / "sheet.csv", text.encode())


def _utf16(folder: Path) -> str:
    text = _lines(
        "Kunde\tProdukt\tDatum\tAktion\n",
        lambda r: f"Jürgen{r.user}\tp{r.item}\t{r.when('%Y-%m-%dT%H:%M:%S+01:00')}\t{r.type}",
    )
    return _written(folder / "Unicode Text.txt", text.encode("utf-16"))


def _open_quote(folder: Path) -> str:
    def line(row: Row) -> str:
        name = f'"{row.item} inch plate' if row.item % 40 == 0 else f'p{row.item}"'
        return f"{row.user}\t{name}\t{row.at}\t{row.type}"

    return _written(folder / "EVENTS.TSV", _lines("user\titem\ttime\taction\n", line).encode())


def _written(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    return path.name


SHOPS: dict[str, Callable[[Path], str]] = {
    "spreadsheet of cp1252, decimal comma": _spreadsheet,
    "no header, pipes, milliseconds": _no_header,
    "packed with gzip, times with UTC": _packed,
    "folder of Parquet parts": _parts,
    "Parquet, bytes as ids": _bytes_as_ids,
    "JSON Lines, floats as ids": _floats_as_ids,
    "days first, blanks after commas": _days_first,
    "sep= and quoted ids": _sep,
    "UTF-16 with tabs": _utf16,
    "TSV with open quotation marks": _open_quote,
}
"""Each writes its file of events into a folder, and returns its name."""


def write_items(folder: Path) -> str:
    """Write a file of items whose ids are those of most of the shops, and return its name."""
    prices = {row.item: row.price for row in rows()}
    lines = (
        f'p{item},"Item {item}, blue",Part {item // 30},{prices.get(item, 9.5)}\n' for item in range(N_ITEMS)
    )
    return _written(folder / "items.csv", ("item_id,title,category,price\n" + "".join(lines)).encode())
