"""Agreement of what was found: the parts of one data set with one another, and events with the items."""

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

from streamrec.datasets.files.header_words import shown
from streamrec.datasets.files.parts import sources_of
from streamrec.datasets.files.reading import Reading
from streamrec.datasets.files.text_columns import is_whole_float, were_floats
from streamrec.domain.events.values import id_of
from streamrec.errors import InvalidDataset, InvalidEvent

_LEAST_SHARE = 0.5


def check_parts(path: Path, reading: Reading, needed: Iterable[str]) -> None:
    """Make sure that every part of a data set has the columns that are read.

    Parameters
    ----------
    needed
        Columns that the first part has. Keys of JSON Lines may come at any line: they are not looked for.

    Raises
    ------
    InvalidDataset
        When a part lacks one, or is of another kind.
    """
    first, *others = sources_of(path, reading)
    if first.kind == "jsonl":
        return
    for other in others:
        columns = other.columns()
        if lacking := sorted(set(needed) - set(columns)):
            raise InvalidDataset(
                f"{other.path} has no column {shown(lacking)}, which {first.path.name} has; its columns are: "
                f"{shown(columns)}. Files of other columns are to be named one by one, not as a folder"
            )


def ids_in(values: Sequence[Any]) -> list[str]:
    """Return the ids that a column will be read as; what is none is left out.

    >>> ids_in([41.0, 7, None, "a"]), ids_in(["41.0", "7"])
    (['41', '7', 'a'], ['41', '7'])
    """
    found = []
    for value in values:
        try:
            found.append(id_of("id", value if isinstance(value, int | float) else str(value or "")))
        except InvalidEvent:
            continue
    if were_floats(found):
        return [text[:-2] if is_whole_float(text) else text for text in found]
    return found


def words_on_ids(event_ids: Sequence[str], item_ids: Collection[str]) -> str | None:
    """Return that the events name other items than the files of items have; None: most are there.

    >>> words_on_ids(["135", "7"], {"p135", "p7"})
    '0.0% of the rows name an item of the files of items (here 135, there p135)'
    """
    n_known = sum(id_ in item_ids for id_ in event_ids)
    if not event_ids or not item_ids or n_known >= _LEAST_SHARE * len(event_ids):
        return None
    unknown = next(id_ for id_ in event_ids if id_ not in item_ids)
    # One of those whose names hold the other shows best what is different.
    alike = min(item_ids, key=lambda id_: (unknown not in id_ and id_ not in unknown, len(id_), id_))
    examples = f"here {shown([unknown])}, there {shown([alike])}"
    return f"{n_known / len(event_ids):.1%} of the rows name an item of the files of items ({examples})"
