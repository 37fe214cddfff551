"""Options that say how a file is read."""

from typing import Annotated

import typer

from streamrec.datasets.files.reading import LIST_SEPARATOR, Reading
from streamrec.errors import InvalidInput

READING_OPTIONS: dict[str, tuple[object, object]] = {
    "mapping": (
        Annotated[
            list[str] | None,
            typer.Option(
                "--map", help="Field=column, with commas between: user_id=uuid,item_id=sku,value=price."
            ),
        ],
        None,
    ),
    "delimiter": (
        Annotated[
            str | None, typer.Option(help=r"What separates the fields of a CSV file, such as ';' or '\t'.")
        ],
        None,
    ),
    "encoding": (
        Annotated[str | None, typer.Option(help="Of text, such as cp1252; by default UTF-8.")],
        None,
    ),
    "decimal": (
        Annotated[str, typer.Option(help="What stands before decimals in CSV: '.' or ','.")],
        ".",
    ),
    "time_format": (
        Annotated[
            str | None,
            typer.Option(help="s, ms, us, ns, excel, or a pattern such as '%d.%m.%Y %H:%M' (UTC)."),
        ],
        None,
    ),
    "no_header": (
        Annotated[bool, typer.Option("--no-header", help="Columns of CSV are named 1, 2, 3 ...")],
        False,
    ),
    "lists": (
        Annotated[
            list[str] | None,
            typer.Option(help="Columns of items in CSV that are lists, with | between; tags=';' if a ; is."),
        ],
        None,
    ),
}
"""Parameter of `reading_of` -> its annotation for typer, and its default."""


def reading_of(
    mapping: list[str] | None = None,
    *,
    delimiter: str | None = None,
    encoding: str | None = None,
    decimal: str = ".",
    time_format: str | None = None,
    no_header: bool = False,
    lists: list[str] | None = None,
) -> Reading:
    """Return how a file is read as the options say.

    Raises
    ------
    InvalidInput
        When they contradict each other, or one can't be.
    """
    return Reading(
        parse_mapping(mapping),
        delimiter=delimiter,
        encoding=encoding,
        decimal=decimal,
        time_format=time_format,
        has_header=not no_header,
        lists=parse_lists(lists),
    )


def parse_mapping(pairs: list[str] | None) -> dict[str, str]:
    """Read ``field=column`` pairs.

    >>> parse_mapping(["user_id=uuid,value=price", "item_id=a=b"])
    {'user_id': 'uuid', 'value': 'price', 'item_id': 'a=b'}

    Raises
    ------
    InvalidInput
        When a pair has no equals sign, or nothing on one of its sides, or a field has two columns.
    """
    mapping: dict[str, str] = {}
    for pair in ",".join(pairs or []).split(","):
        field, _, column = (part.strip() for part in pair.partition("="))
        if field and column:
            if mapping.get(field, column) != column:
                raise InvalidInput(f"--map gives {field} two columns: {mapping[field]} and {column}")
            mapping[field] = column
        elif pair.strip():
            raise InvalidInput(f"--map {pair!r}: wanted field=column, for example user_id=uuid")
    return mapping


def parse_lists(columns: list[str] | None) -> dict[str, str]:
    """Read columns with what separates their parts.

    >>> parse_lists(["tags", "sizes=;", "a,b"])
    {'tags': '|', 'sizes': ';', 'a': '|', 'b': '|'}
    >>> parse_lists(["tags=,"])
    {'tags': ','}
    """
    lists: dict[str, str] = {}
    for given in columns or ():
        column, is_told, separator = given.partition("=")
        if is_told:
            lists[column] = separator
        else:
            lists |= dict.fromkeys((name.strip() for name in given.split(",")), LIST_SEPARATOR)
    return lists
