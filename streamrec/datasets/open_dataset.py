"""A name or a path -> its events."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from streamrec.datasets.event_set import EventSet
from streamrec.datasets.files.event_files import EventFile, read_events
from streamrec.datasets.files.item_files import catalog_path, iter_items
from streamrec.datasets.named import DEFAULT_DATA_DIR, ML_100K, open_ml_100k
from streamrec.errors import InvalidDataset


def open_dataset(
    name_or_path: str | Path,
    mapping: Mapping[str, str] | None = None,
    *,
    delimiter: str | None = None,
    data_dir: Path = DEFAULT_DATA_DIR,
    on_progress: Callable[[int], None] | None = None,
) -> EventSet:
    """Return a data set's events, sorted by time, with its items' metadata as far as there is any.

    Parameters
    ----------
    name_or_path
        ``"ml-100k"`` (fetched if need be), or a CSV, JSON Lines or Parquet file, or a folder of such parts;
        items are looked for beside it, in ``<name>.items.jsonl``.
    mapping
        Field of an event -> column of the file; see `EventFile`.
    delimiter
        Of CSV.
    data_dir
        Where named data sets live.
    on_progress
        Called now and then with the number of rows read from a file.

    Raises
    ------
    InvalidDataset, Unavailable
        When there is no such data set, or it can't be read or fetched.
    """
    if str(name_or_path) == ML_100K:
        return open_ml_100k(data_dir)
    path = Path(name_or_path)
    if not path.exists():
        raise InvalidDataset(f"there is no data set and no file {str(path)!r}; a name is {ML_100K}")
    events = read_events(EventFile(path, mapping or {}, delimiter=delimiter), on_progress)
    catalog = catalog_path(path)
    return (
        replace(events, catalog=tuple(iter_items(catalog, report=events.report)))
        if catalog.is_file()
        else events
    )
