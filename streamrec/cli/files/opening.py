"""Opening of what the options choose, with bars, and words for what was left out."""

from dataclasses import replace
from pathlib import Path

from streamrec.cli.files.options import Chosen
from streamrec.cli.screen import progress_bar, say_rejected
from streamrec.datasets.event_set import EventSet
from streamrec.datasets.files.item_files import iter_items
from streamrec.datasets.named import DEFAULT_DATA_DIR, ML_100K, fetch_ml_100k
from streamrec.datasets.open_dataset import open_dataset, open_files
from streamrec.errors import InvalidInput


def open_chosen(chosen: Chosen) -> EventSet:
    """Open the events that are chosen, with a bar; say which rows were left out.

    Raises
    ------
    InvalidInput
        When nothing is chosen, or no events.
    InvalidDataset, Unavailable
        When it can't be read or fetched.
    """
    files = chosen.files
    if chosen.dataset is not None:
        if chosen.dataset == ML_100K:
            fetch_with_bar(DEFAULT_DATA_DIR)
        event_set = open_dataset(chosen.dataset)
        if files is not None:
            items = tuple(iter_items(*files.items[0], event_set.report))
            event_set = replace(event_set, catalog=items)
    elif files is None or not files.events:
        raise InvalidInput(f"give one of --dataset (for example {ML_100K}) and --events FILE")
    else:
        names = ", ".join(str(file.path) for file in files.events)
        with progress_bar(f"Reading {names}") as show:
            event_set = open_files(files.events, files.items, show)
            show(len(event_set), len(event_set))
    say_rejected(event_set.report)
    return event_set


def fetch_with_bar(data_dir: Path) -> Path:
    """Fetch MovieLens-100K, with a bar unless it is there, and return its folder."""
    with progress_bar("Fetching MovieLens-100K", is_bytes=True) as show:
        return fetch_ml_100k(data_dir, show)
