"""Looking at several files: those of items tell which column of the others is the item."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from streamrec.datasets.detection.agreement import check_parts, ids_in, words_on_ids
from streamrec.datasets.detection.findings import Finding, is_of_events, of_events, of_items, with_decimal
from streamrec.datasets.detection.layout import Layout, layout_of
from streamrec.datasets.files.event_columns import REQUIRED_FIELDS
from streamrec.datasets.files.reading import Reading
from streamrec.errors import InvalidDataset


class Looked(NamedTuple):
    """A file that was looked at: how it is laid out, and what was found, as far as either can be told."""

    path: Path
    layout: Layout | None
    finding: Finding | None
    error: InvalidDataset | None


def find_out(paths: Sequence[Path], told: Reading) -> list[Finding]:
    """Look at files.

    Raises
    ------
    InvalidDataset
        When one can't be read, a part of one has other columns, or a column that is needed can't be told; the
        message says which option would.
    """
    findings = []
    for looked in look_at([(path, told) for path in paths]):
        if looked.error is not None:
            raise looked.error
        if looked.finding is not None:
            findings.append(looked.finding)
    return findings


def look_at(files: Sequence[tuple[Path, Reading]]) -> list[Looked]:
    """Look at files, each with what is told of it, and say of each what was found, or what is wrong.

    Those of items first, because their ids tell which column of the others is the item.
    """
    looked = [_laid_out(path, told) for path, told in files]
    catalog_ids: set[str] = set()
    are_events = [
        one.layout is not None and is_of_events(one.layout, told.mapping)
        for one, (_, told) in zip(looked, files, strict=True)
    ]
    layouts = [one.layout for one, is_of in zip(looked, are_events, strict=True) if not is_of]
    are_items_known = all(layout is not None and layout.is_whole for layout in layouts)
    chosen_ids = set[str]() if all(are_events) else _chosen_in(looked, files, are_events)
    for number in sorted(range(len(files)), key=lambda number: are_events[number]):
        layout, told = looked[number].layout, files[number][1]
        if layout is None:
            continue
        try:
            if are_events[number]:
                finding = of_events(layout, told, catalog_ids)
                if are_items_known:
                    finding = _with_doubts(finding, layout, catalog_ids)
            else:
                finding = of_items(layout, told, chosen_ids)
                catalog_ids.update(ids_in(layout.values_of(finding.roles["item_id"].column)))
            _check_parts(finding)
        except InvalidDataset as error:
            looked[number] = looked[number]._replace(error=error)
        else:
            looked[number] = looked[number]._replace(finding=finding)
    return looked


def _chosen_in(
    looked: Sequence[Looked], files: Sequence[tuple[Path, Reading]], are_events: Sequence[bool]
) -> set[str]:
    """Return the ids of items in the files of events whose columns are clear without a catalogue."""
    chosen = set[str]()
    for one, (_, told), is_event_file in zip(looked, files, are_events, strict=True):
        if one.layout is None or not is_event_file:
            continue
        with suppress(InvalidDataset):
            column = of_events(one.layout, told, set()).roles["item_id"].column
            chosen.update(ids_in(one.layout.values_of(column)))
    return chosen


def _with_doubts(finding: Finding, layout: Layout, catalog_ids: set[str]) -> Finding:
    ids = ids_in(layout.values_of(finding.roles["item_id"].column))
    words = words_on_ids(ids, catalog_ids)
    return finding if words is None else replace(finding, doubts=[*finding.doubts, words])


def _check_parts(finding: Finding) -> None:
    required = REQUIRED_FIELDS if finding.is_events else ("item_id",)
    needed = [finding.roles[field].column for field in required]
    check_parts(finding.path, finding.reading, [*needed, *finding.reading.mapping.values()])


def _laid_out(path: Path, told: Reading) -> Looked:
    try:
        return Looked(path, with_decimal(layout_of(path, replace(told, mapping={}))), None, None)
    except InvalidDataset as error:
        return Looked(path, None, None, error)
