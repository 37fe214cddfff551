"""Findings about files that were uploaded."""

from dataclasses import replace
from typing import Any

from streamrec.cli.files.config_writer import write_config
from streamrec.cli.screen import printable
from streamrec.datasets.config_file import reading_with
from streamrec.datasets.detection.findings import Finding
from streamrec.datasets.detection.layout import Layout
from streamrec.datasets.detection.looking import Looked, look_at
from streamrec.datasets.files.reading import AS_IT_STANDS, Reading
from streamrec.datasets.workspace import Found, FoundFile, FoundRole, ToldFile, Workspace
from streamrec.errors import InvalidDataset

_N_ROWS = 5
_LONGEST_TEXT = 100
_MOST_COLUMNS = 100


def inspected(workspace: Workspace) -> Found:
    """Look at the files of a workspace; where nothing is wrong with any, write their `streamrec.toml`."""
    told = {one.file: one for one in workspace.told()}
    names = workspace.names()
    problems: dict[str, str] = {}
    readings: dict[str, Reading] = {}
    for name in names:
        try:
            readings[name] = _reading_of(told.get(name))
        except InvalidDataset as error:
            problems[name] = _words(error)
    looked = look_at([(workspace.files / name, reading) for name, reading in readings.items()])
    by_name = {one.path.name: _as_told(one, told.get(one.path.name)) for one in looked}
    files = [
        FoundFile(name, problem=problems[name]) if name in problems else _found(by_name[name])
        for name in names
    ]
    findings = [one.finding for one in by_name.values() if one.finding is not None]
    workspace.config.unlink(missing_ok=True)
    if not files or len(findings) < len(files):
        return Found(files)
    write_config(workspace.config, findings)
    return Found(files, workspace.config.read_text("utf-8"))


def _reading_of(told: ToldFile | None) -> Reading:
    if told is None:
        return AS_IT_STANDS
    reading = reading_with(told)
    return replace(reading, mapping={field: column for field, column in told.map.items() if column})


def _as_told(looked: Looked, told: ToldFile | None) -> Looked:
    """Leave out fields that there are none of, as somebody said."""
    if looked.finding is None or told is None:
        return looked
    finding = looked.finding
    gone = {field for field, column in told.map.items() if not column}
    reading = replace(
        finding.reading,
        mapping={field: column for field, column in finding.reading.mapping.items() if field not in gone},
    )
    # A column that has the name of a field is read as it, whatever is said.
    roles = {
        field: role for field, role in finding.roles.items() if field not in gone or role.column == field
    }
    return looked._replace(finding=replace(finding, reading=reading, roles=roles))


def _found(looked: Looked) -> FoundFile:
    columns, rows = ([], []) if looked.layout is None else _sample(looked.layout)
    name = looked.path.name
    if looked.finding is None:
        problem = "it could not be read" if looked.error is None else _words(looked.error, looked)
        return FoundFile(name, columns=columns, rows=rows, problem=problem)
    finding = looked.finding
    return FoundFile(
        name,
        "events" if finding.is_events else "items",
        n_rows=finding.n_rows,
        columns=columns,
        rows=rows,
        roles=_roles(finding),
        notes=[printable(note) for note in (*finding.notes, *finding.doubts)],
        weights=dict(finding.weights),
    )


def _roles(finding: Finding) -> list[FoundRole]:
    return [
        FoundRole(field, role.column, role.share, printable(role.reason), role.is_guess)
        for field, role in finding.roles.items()
    ]


def _sample(layout: Layout) -> tuple[list[str], list[list[str]]]:
    columns = list(layout.columns)[:_MOST_COLUMNS]
    return columns, [[_text(row.get(column)) for column in columns] for row in layout.rows[:_N_ROWS]]


def _text(value: Any) -> str:  # noqa: ANN401 - whatever a file holds
    return "" if value is None else printable(str(value)[:_LONGEST_TEXT])


def _words(error: InvalidDataset, *of: Looked) -> str:
    """Return an error without the path, which is ours and tells people nothing."""
    text = str(error)
    for looked in of:
        text = text.replace(str(looked.path), looked.path.name)
    return printable(text)
