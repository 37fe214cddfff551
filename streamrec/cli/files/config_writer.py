"""Writing of a `streamrec.toml`, with what was found beside each line."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

import tomlkit
from tomlkit import TOMLDocument
from tomlkit.items import Table

from streamrec.cli.files.options import WEIGHTS_VARIABLE
from streamrec.datasets.detection.findings import Finding
from streamrec.domain.events.weights import USUAL_WEIGHTS
from streamrec.durable_files import replace_bytes
from streamrec.errors import InvalidInput

_HEAD = """Which files `streamrec run`, `replay`, `evaluate` and `load-items` read, and how.
Written by `streamrec init`; change it as you like. Paths begin at this file's folder."""
_WEIGHTS = """What events weigh: more than 0 is a choice that is learned, 0 is only recorded, less than 0 is
a dislike, after which the item is never offered to that user again. "rating<=2" is a rule on values.
Services that you start yourself are told so:"""


def write_config(path: Path, findings: Sequence[Finding]) -> None:
    """Write what was found about files."""
    document = tomlkit.document()
    _say(document, _HEAD)
    for name in ("events", "items"):
        sections = tomlkit.aot()
        for finding in findings:
            if finding.is_events == (name == "events"):
                sections.append(_section(finding, path.absolute().parent))
        if sections:
            document.add(tomlkit.nl())
            document.add(name, sections)
    weights: dict[str, float] = {}
    for finding in findings:
        weights |= finding.weights
    if weights:
        document.add(tomlkit.nl())
        _say(document, f"{_WEIGHTS}\n{WEIGHTS_VARIABLE}='{json.dumps(USUAL_WEIGHTS | weights)}'")
        table = tomlkit.table()
        for type_, weight in weights.items():
            table.add(type_, weight)
        document.add("weights", table)
    replace_bytes(path, tomlkit.dumps(document).encode(errors="backslashreplace"))


def _say(document: TOMLDocument, text: str) -> None:
    for line in text.splitlines():
        document.add(tomlkit.comment(_printable(line)))


def _section(finding: Finding, folder: Path) -> Table:
    how, table = finding.reading, tomlkit.table()
    table.add("file", _from(folder, finding.path))
    _comment(table, "file", f"{finding.n_rows:,} rows were looked at")
    for name, value, usual in (
        ("delimiter", how.delimiter, None),
        ("encoding", how.encoding, None),
        ("decimal", how.decimal, "."),
        ("time_format", how.time_format, None),
        ("header", how.has_header, True),
    ):
        if value != usual:
            table.add(name, value)
    for name, values in (("map", how.mapping), ("lists", how.lists)):
        if values:
            inner = tomlkit.table()
            for key, value in values.items():
                inner.add(key, value)
                role = finding.roles.get(key) if name == "map" else None
                if role is not None:
                    _comment(inner, key, f"{role.reason}; fits {role.share:.1%} of the rows")
            table.add(name, inner)
    return table


def _from(folder: Path, path: Path) -> str:
    """Return a path as it is written in a file of a folder: short where it lies below."""
    absolute = path.absolute()
    try:
        os.fspath(absolute).encode()
    except UnicodeEncodeError as error:
        raise InvalidInput(
            f"{os.fspath(path)!r}: a configuration can't hold such a name; rename it"
        ) from error
    below = absolute.is_relative_to(folder)
    return os.fspath(absolute.relative_to(folder) if below else absolute)


def _comment(table: Table, key: str, text: str) -> None:
    table[key].comment(_printable(text))


def _printable(text: str) -> str:
    """Return a text of one line that a comment may hold."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)
