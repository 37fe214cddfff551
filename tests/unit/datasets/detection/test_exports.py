"""Exports of shops, trackers and data sets: which columns and times are found, and what is doubted."""

import random
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from streamrec.datasets.detection.findings import Finding
from streamrec.datasets.detection.looking import find_out
from streamrec.datasets.event_set import EventSet
from streamrec.datasets.files.event_files import EventFile, read_events
from streamrec.datasets.files.reading import Reading
from streamrec.errors import InvalidDataset

N = 60
T = 1_700_000_000
_chance = random.Random(3)
USERS, ITEMS = ([_chance.randrange(9) for _ in range(N)] for _ in range(2))


def moment(n: int, form: str = "%Y-%m-%d %H:%M:%S") -> str:
    return datetime.fromtimestamp(T + 977 * n, UTC).strftime(form)


def table(header: str, row: Callable[[int], str], encoding: str = "utf-8") -> bytes:
    return "\n".join([header, *map(row, range(N)), ""]).encode(encoding)


def found_in(tmp_path: Path, content: bytes, name: str = "f.csv", told: Reading | None = None) -> Finding:
    path = tmp_path / name
    path.write_bytes(content)
    (finding,) = find_out([path], told or Reading())
    return finding


def read(finding: Finding) -> EventSet:
    return read_events(EventFile(finding.path, finding.reading))


def columns_of(finding: Finding) -> dict[str, str]:
    return {field: role.column for field, role in finding.roles.items()}


EXPORTS: dict[str, tuple[bytes, dict[str, str]]] = {
    "Shopify": (
        table(
            "Name,Email,Financial Status,Lineitem name,Lineitem sku,Created at",
            lambda n: f"#{n},u{USERS[n]}@x.org,paid,Cup {ITEMS[n]},S-{ITEMS[n]},{moment(n)} +0100",
        ),
        {
            "user_id": "Email",
            "item_id": "Lineitem sku",
            "timestamp": "Created at",
            "type": "Financial Status",
        },
    ),
    "Matomo": (
        table(
            "idVisit,visitorId,serverTimestamp,type,url,pageTitle",
            lambda n: f"{n // 4},{USERS[n]:016x},{T + n},action,https://s.de/p/{ITEMS[n]},P",
        ),
        {"user_id": "visitorId", "item_id": "url", "timestamp": "serverTimestamp", "type": "type"},
    ),
    "Google Analytics": (
        table(
            "event_date,event_timestamp,event_name,user_pseudo_id,user_id,item_id",
            lambda n: f"20231114,{(T + n) * 10**6},view_item,{USERS[n]}.{T},,sku{ITEMS[n]}",
        ),
        {
            "user_id": "user_pseudo_id",
            "item_id": "item_id",
            "timestamp": "event_timestamp",
            "type": "event_name",
        },
    ),
    "Yelp": (
        table(
            "review_id,user_id,business_id,stars,date",
            lambda n: f"r{n},u_{USERS[n]},b-{ITEMS[n]},{1 + n % 5}.0,{moment(n)}",
        ),
        {"user_id": "user_id", "item_id": "business_id", "timestamp": "date", "value": "stars"},
    ),
    "Polish": (
        table(
            "Klient;Produkt;Data zakupu;Zdarzenie;Ilość",
            lambda n: f"{USERS[n]};p{ITEMS[n]};{moment(n)};wyświetlenie;1",
            "cp1250",
        ),
        {
            "user_id": "Klient",
            "item_id": "Produkt",
            "timestamp": "Data zakupu",
            "type": "Zdarzenie",
            "value": "Ilość",
        },
    ),
    "Turkish": (
        table(
            "Kullanıcı;Ürün;Tarih;İşlem",
            lambda n: f"{USERS[n]};p{ITEMS[n]};{moment(n)};görüntüleme",
            "cp1254",
        ),
        {"user_id": "Kullanıcı", "item_id": "Ürün", "timestamp": "Tarih", "type": "İşlem"},
    ),
    "Japanese": (
        table(
            "会員ID,商品ID,日時,行動,金額",
            lambda n: f"{USERS[n]},p{ITEMS[n]},{moment(n)},閲覧,1200",
            "shift_jis",
        ),
        {"user_id": "会員ID", "item_id": "商品ID", "timestamp": "日時", "type": "行動", "value": "金額"},
    ),
    "Chinese": (
        table("用户ID,商品ID,行为类型,时间", lambda n: f"{USERS[n]},p{ITEMS[n]},购买,{moment(n)}", "gb18030"),
        {"user_id": "用户ID", "item_id": "商品ID", "timestamp": "时间", "type": "行为类型"},
    ),
    "Russian": (
        table(
            "Пользователь;Товар;Дата;Действие",
            lambda n: f"{USERS[n]};p{ITEMS[n]};{moment(n)};покупка",
            "cp1251",
        ),
        {"user_id": "Пользователь", "item_id": "Товар", "timestamp": "Дата", "type": "Действие"},
    ),
}


@pytest.mark.parametrize("name", EXPORTS)
def test_columns_of_an_export(name: str, tmp_path: Path) -> None:
    content, wanted = EXPORTS[name]
    finding = found_in(tmp_path, content)
    assert columns_of(finding) == wanted
    events = read(finding)
    assert len(events) == N
    assert int(events.timestamps[0]) in (T, T - 3600)  # of a shop in another zone


TIMES = {
    "twitter": "%a %b %d %H:%M:%S +0000 %Y",
    "mail": '"%a, %d %b %Y %H:%M:%S GMT"',
    "browser": "%a %b %d %Y %H:%M:%S GMT+0000 (UTC)",
    "unix": "%a %b %d %H:%M:%S UTC %Y",
    "java": "%Y-%m-%dT%H:%M:%S+00:00[Europe/London]",
    "file names": "%Y-%m-%d_%H-%M-%S",
}


@pytest.mark.parametrize("name", TIMES)
def test_times_as_programs_write_them(name: str, tmp_path: Path) -> None:
    content = table("user,item,date", lambda n: f"{USERS[n]},{ITEMS[n]},{moment(n, TIMES[name])}")
    events = read(found_in(tmp_path, content))
    assert events.timestamps.tolist() == [T + 977 * n for n in range(N)]


def test_days_without_separators_are_no_minutes(tmp_path: Path) -> None:
    content = table("user,item,date", lambda n: f"{USERS[n]},{ITEMS[n]},20231114")
    assert set(read(found_in(tmp_path, content)).timestamps.tolist()) == {1_699_920_000.0}
    events = read_events(
        EventFile(tmp_path / "f.csv", Reading({"user_id": "user", "item_id": "item", "timestamp": "date"}))
    )
    assert len(events) == N
    with pytest.raises(InvalidDataset, match="not of the form"):
        read(found_in(tmp_path, content, told=Reading({"timestamp": "date"}, time_format="%Y%m%d%H%M")))


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("14. März 2023", "values, such as '14. März 2023', can't be read: name their --time-format"),
        ("638356000000000000", "values, such as '638356000000000000', can't be read"),
        ("22:13:20", "can't be read"),
    ],
)
def test_a_column_that_is_the_time_by_its_name_alone(value: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidDataset, match="By its name 'date' is the time") as error:
        found_in(tmp_path, table("user,item,date", lambda n: f"{USERS[n]},{ITEMS[n]},{value}"))
    assert words in str(error.value)
    assert str(error.value).endswith("--map timestamp=date")


def test_times_of_which_many_cannot_be_read_are_read_when_told(tmp_path: Path) -> None:
    content = table(
        "user,item,date",
        lambda n: f"{USERS[n]},{ITEMS[n]},{'0000-00-00 00:00:00' if n % 3 else moment(n)}",
    )
    with pytest.raises(InvalidDataset, match="only 33% of its values can be read.*'0000-00-00 00:00:00'"):
        found_in(tmp_path, content)
    events = read(found_in(tmp_path, content, told=Reading({"timestamp": "date"})))
    assert (len(events), events.report.n_rejected) == (20, 40)


def test_a_form_of_times_that_is_told_is_enough(tmp_path: Path) -> None:
    content = table("user,item,date", lambda n: f"{USERS[n]},{ITEMS[n]},{moment(n, '%H:%M on %d/%Y/%m')}")
    assert len(read(found_in(tmp_path, content, told=Reading(time_format="%H:%M on %d/%Y/%m")))) == N


@pytest.mark.parametrize(
    ("header", "row", "doubt"),
    [
        ("user,item,date", lambda n: f"{USERS[n] if n % 2 else None},{ITEMS[n]},{T + n}", "of one user"),
        ("user,item,date", lambda n: f"{USERS[n]},9.78{ITEMS[n]}E+12,{T + n}", "shortened by a spreadsheet"),
        ("user,item,date", lambda n: f"{USERS[n]},{ITEMS[n]},{45000 + n}", "days of a spreadsheet"),
        ("user,item,date", lambda n: f"{USERS[n]},{ITEMS[n]},{19000 + n}", "seconds since 1970"),
        ("user,item,date", lambda n: f"{USERS[n]},{ITEMS[n]},{T * (n > 1) + n}", "before 1990 or"),
        ("user,item,date", lambda n: f"{USERS[n]},{ITEMS[n]},2999-01-01", "before 1990 or after 2040"),
        ("user,item,date,qty", lambda n: f"{USERS[n]},{ITEMS[n]},{T + n},{n - 3}", "less than 0 in 'qty'"),
        (
            "user,item,date,time",
            lambda n: f"{USERS[n]},{ITEMS[n]},{moment(n, '%Y-%m-%d,%H:%M')}",
            "'time' has times of day",
        ),
    ],
)  # fmt: skip
def test_what_can_be_read_and_is_doubted(
    header: str, row: Callable[[int], str], doubt: str, tmp_path: Path
) -> None:
    (said,) = found_in(tmp_path, table(header, row)).doubts
    assert doubt in said


def test_columns_without_names_are_shown_with_their_values(tmp_path: Path) -> None:
    content = table("", lambda n: f"u{USERS[n]}\t{moment(n)}\ta{ITEMS[n]}\tt{ITEMS[n]}\tx{n}")
    with pytest.raises(InvalidDataset, match=r"3 \(a\d\), 4 \(t\d\)"):
        found_in(tmp_path, content, "f.tsv")


def test_why_no_row_can_be_read(tmp_path: Path) -> None:
    with pytest.raises(InvalidDataset, match="line 2: 1 fields; the header has 3"):
        found_in(tmp_path, b"user,item,date\nx\n")


def test_a_code_of_the_shop_that_no_event_names_gives_way_to_its_number(tmp_path: Path) -> None:
    orders, products = tmp_path / "orders.csv", tmp_path / "products.csv"
    orders.write_bytes(table("Customer,Product Id,Date", lambda n: f"{USERS[n]},{ITEMS[n] + 100},{T + n}"))
    rows = "".join(f"{100 + n},simple,w-{n},Cup {n}\n" for n in range(9))
    products.write_text("ID,Type,SKU,Name\n" + rows)
    of_events, of_items = find_out([orders, products], Reading())
    assert (of_items.roles["item_id"].column, of_events.doubts) == ("ID", [])


def test_items_on_lines_of_their_own_are_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidDataset, match="an item with its events on the lines below"):
        found_in(tmp_path, table("1:", lambda n: f"{USERS[n]},3,2005-09-0{1 + n % 9}"))
