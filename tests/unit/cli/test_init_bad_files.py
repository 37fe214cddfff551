"""Files that `init` can't use, and configurations that are wrong: one line each, never a traceback."""

import bz2
import gzip
import lzma
import random
from pathlib import Path

import pytest
import zstandard

from streamrec.cli.files.opening import open_chosen
from streamrec.cli.files.options import Chosen
from streamrec.datasets.config_file import read_config
from streamrec.errors import InvalidDataset
from tests.command_line import run

pytestmark = pytest.mark.usefixtures("in_an_empty_folder")

N_ROWS = 300
SHOP = (
    "user_id,item_id,type,timestamp\n"
    + "".join(f"u{n % 40},p{n % 30},view,{1_700_000_000 + 60 * n}\n" for n in range(N_ROWS))
).encode()

CUT = [
    ("gz", gzip.compress(SHOP), "damaged or incomplete"),
    ("bz2", bz2.compress(SHOP), "damaged or incomplete"),
    ("xz", lzma.compress(SHOP), "damaged or incomplete"),
    ("zst", zstandard.compress(SHOP), "Truncated"),
]

BAD = [
    ("empty.csv", b"", "empty"),
    ("bin.csv", bytes(range(256)) * 20, "no text"),
    ("wide.csv", b",".join(b"c%d" % n for n in range(1_000_000)), "more than 1,000,000 characters"),
    ("wide2.csv", (b"1," * 99_999 + b"1\n") * 2, "too many to guess"),
    ("nothing.csv", b"a,b\nx,y\nx,z\n", "Say which"),
    ("twice.csv", b"user_id,item_id,item_id,timestamp\na,b,c,1\n", "several columns named item_id"),
    ("sheet.xlsx", b"PK\x03\x04" + b"x" * 99, "save the sheet as CSV"),
    ("deep.json", b'{"rows": [{"user_id": 1}, {}]}', "jq"),
    ("only.csv", b"user_id,item_id,timestamp\n", "no row"),
    *((f"cut.csv.{ending}", packed[:30], words) for ending, packed, words in CUT),
]


@pytest.mark.parametrize(("name", "content", "words"), BAD, ids=[name for name, _, _ in BAD])
def test_bad_files_are_one_line(
    name: str, content: bytes, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path(name).write_bytes(content)
    for command in (["init", name], ["init", "--map", "user_id=a", name]):
        assert run(*command) == 2
        said = capsys.readouterr().err
        assert words in said
        assert said.splitlines()[-1].startswith("error: ")
        assert len(said) < 2000


def test_noise_ends_in_words_and_never_in_a_traceback() -> None:
    chance = random.Random(3)
    letters = [
        "a",
        "1",
        ",",
        ";",
        '"',
        "\n",
        "\r",
        "\t",
        "{",
        "}",
        "[",
        "]",
        ":",
        ".",
        "ü",
        "\\",
        "\x00",
        "\ufeff",
        " ",
    ]
    for number in range(60):
        text = "".join(chance.choices(letters, k=chance.randrange(400)))
        encoding = chance.choice(["utf-8", "utf-16", "cp1252"])
        Path(f"f{number}{chance.choice(['.csv', '.jsonl', '.txt', ''])}").write_bytes(
            text.encode(encoding, "replace")
        )
    for path in Path().iterdir():
        assert run("init", "--force", "--out", "out.toml", str(path)) in (0, 2)


def test_parts_of_other_columns_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    Path("parts").mkdir()
    Path("parts/1.csv").write_bytes(SHOP)
    Path("parts/2.csv").write_text("user,product,time\na,b,1700000000\n")
    assert run("init", "parts") == 2
    assert "parts/2.csv has no column item_id, timestamp, user_id" in capsys.readouterr().err
    Path("parts/2.csv").rename("2.csv")
    assert run("init", "parts", "2.csv") == 0
    assert len(open_chosen(Chosen(None, read_config(Path("streamrec.toml"))))) == N_ROWS + 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[events]]\nfile='a'\ndelimeter=';'", "perhaps 'delimiter'"),
        ("[[events]]\nfile='a'\ndecimal=5", "decimal"),
        ("[[events]]\nfile='a'\ndecimal='x'", "--decimal"),
        ("[[events]]\nfile='a'\nencoding='klingon'", "no encoding 'klingon'"),
        ("[[events]]\nfile='a'\ntime_format='noon'", "--time-format"),
        ("[[events]]\nfile='a'\n[weights]\n'rating<=x'=1", "no rule"),
        ("[[event]]\nfile='a'", "perhaps 'events'"),
        ("", "names no file"),
        ("x = ", "Invalid value"),
        ("x = " + "[" * 1000, "nested too deeply"),
        ("x = " + "1" * 5000, "streamrec.toml"),
        ("\0", "streamrec.toml"),
    ],
)
def test_a_wrong_configuration_is_one_line(text: str, words: str) -> None:
    Path("streamrec.toml").write_text(text)
    with pytest.raises(InvalidDataset, match=words.replace("(", r"\(")) as caught:
        read_config(Path("streamrec.toml"))
    assert "\n" not in str(caught.value)
