"""Words for a header that does not bring the columns that are wanted: what it looks like, and what to do."""

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from itertools import islice

from streamrec.datasets.files.delimited.fields import FieldSplitter
from streamrec.datasets.files.delimited.lines import Lines
from streamrec.datasets.files.plain_files import open_text
from streamrec.datasets.files.row_source import RowSource
from streamrec.domain.events.values import time_of
from streamrec.errors import InvalidEvent

_DELIMITERS = ("\t", ";", "|", ",", "\x01", "~", "^")
_N_SHOWN = 40  # columns
_N_LINES = 30  # in which the header is looked for


def shown(columns: Sequence[str]) -> str:
    r"""Return names for a message, on one line and fit for any screen.

    >>> shown(["a", "b c", "d\n", "e\udcff"])
    "a, b c, 'd\\n', 'e\\udcff'"
    """
    names = [name[:100] if name.isprintable() and name else repr(name[:100]) for name in columns[:_N_SHOWN]]
    return ", ".join(names) + (f" and {len(columns) - _N_SHOWN:,} more" if len(columns) > _N_SHOWN else "")


def what_is_missing(source: RowSource, columns: Sequence[str], id_field: str) -> str | None:
    """Return which columns a file lacks, of those that are named and that of the ids; None: none."""
    mapping = source.reading.mapping
    missing = sorted((set(mapping.values()) | set(source.reading.lists)) - set(columns))
    if not missing and id_field in {*columns, *mapping}:
        return None
    wrong = f"no column {shown(missing)}" if missing else f"no column '{id_field}'"
    hint = "" if missing else f". Say which one it is: --map {id_field}=COLUMN"
    return f"{source.path} has {wrong}; its columns are: {shown(columns)}{hint}"


def advice(source: RowSource, columns: Sequence[str]) -> str | None:
    """Return what a header of CSV without the wanted columns looks like, and what to do; None: a header."""
    if source.kind != "csv":
        return None
    first = columns[0].lstrip()
    if first.startswith(("{", "[")):
        return "it looks like JSON: give the file a name that ends in .jsonl"
    if first.startswith(("#", "%")):
        sign = first[0]
        return (
            f"it begins with {sign!r}: if it is a comment, remove the line; if it is the header, the {sign!r}"
        )
    if (words := later_header(source, columns)) is not None:
        return words
    delimiter = _other_delimiter(source, columns)
    if delimiter is not None:
        written = (
            "\\t"
            if delimiter == "\t"
            else delimiter
            if delimiter.isprintable()
            else f"\\x{ord(delimiter):02x}"
        )
        return f"give --delimiter '{written}'"
    if looks_like_data(columns):
        return (
            "it looks like data, not like names of columns: give --no-header, and columns by their numbers, "
            "such as --map user_id=1,item_id=2,timestamp=3"
        )
    return None


def later_header(source: RowSource, columns: Sequence[str]) -> str | None:
    """Return that a line further down looks like the header of CSV, and what to do; None: none does."""
    if not source.reading.has_header:
        return None
    splitter = FieldSplitter(source.delimiter)
    with open_text(source.path, source.reading.encoding) as text:
        lines = [splitter.split(line)[0] for line in islice(Lines(text), _N_LINES)]
    n_fields = Counter(map(len, lines)).most_common(1)[0][0]
    number = next((at for at, fields in enumerate(lines, 1) if len(fields) >= n_fields), 1)
    fields = lines[number - 1]
    if number == 1 or n_fields < 3 or len(fields) != n_fields or not all(fields) or looks_like_data(fields):
        return None
    return f"line {number} looks like the header: remove those before it, `tail -n +{number} FILE` does so"


def looks_like_data(names: Sequence[str]) -> bool:
    """Return whether names of columns are values: one of them is a number or a time.

    >>> looks_like_data(["7", "501", "buy", "1700000000"]), looks_like_data(["0", "1", "2"])
    (True, False)
    """
    # Tables without names of columns are written with their numbers.
    if list(names) in ([str(n) for n in range(len(names))], [str(n + 1) for n in range(len(names))]):
        return False
    for name in names:
        with suppress(InvalidEvent):
            time_of(name, "days")
            return True
    return False


def _other_delimiter(source: RowSource, columns: Sequence[str]) -> str | None:
    """Return what a header of one column seems to be cut at."""
    if len(columns) > 1:
        return None
    counts = {delimiter: columns[0].count(delimiter) for delimiter in _DELIMITERS}
    delimiter = max(counts, key=lambda candidate: counts[candidate])
    return delimiter if counts[delimiter] else None
