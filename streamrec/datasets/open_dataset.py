"""A name or files -> events and items."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from streamrec.datasets.config_file import ItemFile
from streamrec.datasets.event_set import EventSet
from streamrec.datasets.files.event_files import EventFile, read_events
from streamrec.datasets.files.item_files import catalog_path, iter_items
from streamrec.datasets.files.reading import AS_IT_STANDS
from streamrec.datasets.named import DEFAULT_DATA_DIR, ML_100K, open_ml_100k
from streamrec.domain.items.item import Item
from streamrec.errors import InvalidDataset


def open_dataset(name_or_path: str | Path, *, data_dir: Path = DEFAULT_DATA_DIR) -> EventSet:
    """Return a data set's events, sorted by time, with its items' metadata as far as there is any.

    Parameters
    ----------
    name_or_path
        ``"ml-100k"`` (fetched if need be), or a file as `open_files` reads it.
    data_dir
        Where named data sets live.

    Raises
    ------
    InvalidDataset, Unavailable
        When there is no such data set, or it can't be read or fetched.
    """
    if str(name_or_path) == ML_100K:
        return open_ml_100k(data_dir)
    return open_files([EventFile(Path(name_or_path))])


def open_files(
    events: Sequence[EventFile],
    items: Sequence[ItemFile] = (),
    on_progress: Callable[[int], None] | None = None,
) -> EventSet:
    """Return the events of files, sorted by time, with metadata of items.

    Parameters
    ----------
    events
        CSV, JSON Lines or Parquet files, or folders of such parts.
    items
        By default they are looked for beside each file of events, in ``<name>.items.jsonl``.
    on_progress
        Called now and then with the number of rows read from the files of events.

    Raises
    ------
    InvalidDataset
        When one is not there, or can't be read.
    """
    for path in [file.path for file in events] + [file.path for file in items]:
        if not path.exists():
            raise InvalidDataset(f"there is no data set and no file {str(path)!r}; a name is {ML_100K}")
    event_set = read_events(events, on_progress)
    if not items:
        beside = [catalog_path(file.path) for file in events]
        items = [ItemFile(path, AS_IT_STANDS) for path in beside if path.is_file()]
    catalog: dict[str, Item] = {}
    for file in items:
        catalog |= {item.item_id: item for item in iter_items(file.path, file.reading, event_set.report)}
    return replace(event_set, catalog=tuple(catalog.values()))
