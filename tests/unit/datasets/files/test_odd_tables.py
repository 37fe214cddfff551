"""Tables as programs write them: marks behind backslashes, odd blanks, long delimiters, archives."""

import io
import zipfile
from pathlib import Path

import pytest

from streamrec.datasets.detection.looking import find_out
from streamrec.datasets.event_set import EventSet
from streamrec.datasets.files.event_files import EventFile, read_events
from streamrec.datasets.files.item_files import iter_items
from streamrec.datasets.files.reading import Reading
from streamrec.errors import InvalidDataset

HEADER = "user_id,item_id,timestamp\n"
ROWS = "".join(f"u{n % 7},i{n % 5},{1_700_000_000 + n}\n" for n in range(40))


def found(path: Path) -> Reading:
    (finding,) = find_out([path], Reading())
    return finding.reading


def events_of(path: Path, content: str | bytes, reading: Reading | None = None) -> EventSet:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_events(EventFile(path, reading or Reading()))


def pairs(events: EventSet) -> list[tuple[str, str]]:
    return [(event.user_id, event.item_id) for event in events]


def test_marks_behind_backslashes(tmp_path: Path) -> None:
    path = tmp_path / "i.csv"
    path.write_text('item_id,title\na,"say \\"hi\\", ok"\nb,"C:\\"\nc,"two ""marks"""\nd,"\\\\ \\"x\\""\n')
    titles = [item.title for item in iter_items(path)]
    assert titles == ['say "hi", ok', "C:\\", 'two "marks"', '\\ "x"']


@pytest.mark.parametrize("blank", ["\u00a0", "\u200b", "\ufeff", "\u3000", " \t"])
def test_blanks_of_all_kinds_are_no_part_of_an_id(blank: str, tmp_path: Path) -> None:
    text = f'user_id{blank},{blank}item_id,timestamp\n{blank}a,x{blank},1\nb,{blank}"x,y"{blank},2\na b,x,3\n'
    assert pairs(events_of(tmp_path / "f.csv", text)) == [("a", "x"), ("b", "x,y"), ("a b", "x")]


def test_texts_that_a_spreadsheet_is_told_to_keep(tmp_path: Path) -> None:
    text = HEADER + 'a,="007",1\na,"=""008""",2\na,x="1",3\n'
    assert pairs(events_of(tmp_path / "f.csv", text)) == [("a", "007"), ("a", "008"), ("a", 'x="1"')]


@pytest.mark.parametrize("delimiter", ["::", "||", " ", "|~|"])
def test_delimiters_of_several_signs(delimiter: str, tmp_path: Path) -> None:
    path, text = tmp_path / "ratings.dat", (HEADER + ROWS).replace(",", delimiter)
    events = events_of(path, text, Reading(delimiter=delimiter))
    assert len(events) == 40
    if delimiter != "|~|":
        assert found(path).delimiter == delimiter


def test_empty_fields_between_bars_are_no_doubled_bars(tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    path.write_text("user_id|note|item_id|timestamp\n" + "".join(f"u|{'|'}i{n}|{n}\n" for n in range(40)))
    assert found(path).delimiter == "|"


def test_titles_in_one_column_are_not_cut_at_blanks(tmp_path: Path) -> None:
    path = tmp_path / "f.txt"
    path.write_text("title\n" + "".join(f"The cup {n}{' of tea' * (n % 2)}\n" for n in range(40)))
    with pytest.raises(InvalidDataset, match="neither events"):
        find_out([path], Reading())


def test_lines_before_the_header_are_told(tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    with pytest.raises(InvalidDataset, match=r"line 4 looks like the header: .* `tail -n \+4 FILE`"):
        events_of(path, "Shop X\nfrom January on\n\n" + HEADER + ROWS)
    with pytest.raises(InvalidDataset, match="line 4 looks like the header"):
        find_out([path], Reading())


def archive(*names: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as opened:
        for name in names:
            opened.writestr(name, HEADER + ROWS)
    return file.getvalue()


def test_an_archive_of_one_file_is_read(tmp_path: Path) -> None:
    content = archive("data/f.csv", "__MACOSX/._f.csv", "data/.DS_Store")
    for name in ("f.csv.zip", "f.zip", "f.csv"):
        assert len(events_of(tmp_path / name, content)) == 40
    with pytest.raises(InvalidDataset, match="and damaged"):
        events_of(tmp_path / "f.zip", content[:-30])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (archive("a.csv", "b.csv"), r"zip archive of 2 files \(a.csv, b.csv\): unpack it"),
        (archive(), "an empty zip archive"),
        (archive("[Content_Types].xml", "xl/workbook.xml"), "is a workbook: save the sheet as CSV"),
        (archive("Index/Document.iwa"), "is a workbook"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:a\n", "git lfs pull"),
        (b"\n\n<!DOCTYPE html><html>", "an HTML page"),
        (b"-- MySQL dump 10.13\nINSERT INTO a VALUES (1);\n", "a dump of a database"),
        (b"f.csv" + bytes(252) + b"ustar\x0000" + bytes(300), "a tar archive"),
        (b"\x89HDF\r\n\x1a\n" + bytes(20), "an HDF5 file"),
    ],
)
def test_what_a_file_is_instead_of_a_table(content: bytes, words: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidDataset, match=words):
        events_of(tmp_path / "f.dat", content)
