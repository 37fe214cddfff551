"""Options of reading a file, for what it does not tell by itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from streamrec.datasets.files.delimited.rows import delimiter_of
from streamrec.domain.events.time_formats import TimeFormat
from streamrec.errors import InvalidDataset

FileFormat = Literal["csv", "jsonl", "parquet"]
DECIMALS = (".", ",")
LIST_SEPARATOR = "|"


@dataclass(frozen=True)
class Reading:
    """Options with which a file of events or of items is read.

    Attributes
    ----------
    mapping
        Field of an event or an item -> column, for example ``{"user_id": "uuid", "value": "price"}``. A field
        that is not named is read from the column of its own name, if there is one.
    delimiter
        Of CSV, as an option gives it; by default a tab for ``.tsv``, else a comma.
    encoding
        Of text; by default what a byte order mark tells, else UTF-8.
    decimal
        The sign before the decimals of numbers in CSV, a point or a comma.
    time_format
        As `TimeFormat` reads it; by default Unix seconds and dates that begin with the year.
    has_header
        Whether the first line of CSV has the names of the columns; else these are 1, 2, 3 and so on.
    lists
        Column of items in CSV -> what separates the parts of its texts.
    format
        By default the name's ending decides, and where it says nothing the first bytes.

    Raises
    ------
    InvalidDataset
        When one can't be; the message says what is wanted.
    """

    mapping: Mapping[str, str] = field(default_factory=dict)
    delimiter: str | None = None
    encoding: str | None = None
    decimal: str = "."
    time_format: str | None = None
    has_header: bool = True
    lists: Mapping[str, str] = field(default_factory=dict)
    format: FileFormat | None = None

    def __post_init__(self) -> None:
        """Look whether they can be."""
        if self.decimal not in DECIMALS:
            raise InvalidDataset(f"--decimal is '.' or ',', not {self.decimal!r}")
        if self.delimiter is not None:
            delimiter_of(self.delimiter)
        if self.encoding is not None:
            check_encoding(self.encoding)
        if self.time_format is not None:
            TimeFormat(self.time_format)
        for column, separator in self.lists.items():
            if not separator or not column:
                raise InvalidDataset(
                    "--lists wants the names of columns, or column=SEPARATOR, such as tags=;"
                )


AS_IT_STANDS = Reading()
"""Options of a file of which nothing is told."""


def check_encoding(name: str) -> None:
    """Pass the name of an encoding of text.

    Raises
    ------
    InvalidDataset
        When there is none of this name.
    """
    try:
        b"".decode(name)
        "".encode(name)
    except (LookupError, UnicodeError, ValueError) as error:
        raise InvalidDataset(f"there is no encoding {name!r}; some are utf-8, cp1252, utf-16") from error
