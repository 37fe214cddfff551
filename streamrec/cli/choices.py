"""Options that several commands share, and what they stand for."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from pydantic_settings import BaseSettings, SettingsConfigDict

from streamrec.cli.screen import progress_bar, say_rejected
from streamrec.datasets.event_set import EventSet
from streamrec.datasets.files.item_files import iter_items
from streamrec.datasets.files.read_report import ReadReport
from streamrec.datasets.named import DEFAULT_DATA_DIR, ML_100K, fetch_ml_100k
from streamrec.datasets.open_dataset import open_dataset
from streamrec.errors import InvalidInput

Dataset = Annotated[str | None, typer.Option(help=f"A data set by name: {ML_100K}.")]
EventsFile = Annotated[
    Path | None,
    typer.Option(help="A CSV, JSON Lines or Parquet file (the first two also .gz), or a folder of parts."),
]
ItemsFile = Annotated[Path | None, typer.Option(help="Metadata of the items, a file as load-items reads it.")]
Mapping = Annotated[
    list[str] | None,
    typer.Option("--map", help="Field=column, with commas between: user_id=uuid,item_id=sku,value=price."),
]
Delimiter = Annotated[
    str | None, typer.Option(help=r"What separates the fields of a CSV file, such as ';' or '\t'.")
]
RecommenderUrl = Annotated[
    str | None, typer.Option("--url", help="The recommender service; by default on this machine.")
]
ApiKey = Annotated[
    str | None, typer.Option(envvar="STREAMREC_API_KEY", help="Sent along where the service asks for one.")
]


class PortSettings(BaseSettings):
    """Ports that the services of this machine listen on."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    recommender_port: int = 8000
    index_port: int = 8100

    @property
    def recommender_url(self) -> str:
        """The recommender's address."""
        return f"http://127.0.0.1:{self.recommender_port}"

    @property
    def index_url(self) -> str:
        """The index server's address."""
        return f"http://127.0.0.1:{self.index_port}"


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


def open_chosen(
    dataset: str | None,
    events: Path | None,
    mapping: list[str] | None,
    delimiter: str | None,
    items: Path | None = None,
) -> EventSet:
    """Open what ``--dataset`` or ``--events`` names, with a bar; say which rows were left out.

    Parameters
    ----------
    items
        Metadata, instead of what the data set has.

    Raises
    ------
    InvalidInput
        When both are given, or neither.
    InvalidDataset, Unavailable
        When it can't be read or fetched.
    """
    chosen = dataset or events
    if chosen is None or (dataset and events):
        raise InvalidInput(f"give one of --dataset (for example {ML_100K}) and --events FILE")
    if chosen == ML_100K:
        fetch_with_bar(DEFAULT_DATA_DIR)
    with progress_bar(f"Reading {chosen}") as show:
        event_set = open_dataset(chosen, parse_mapping(mapping), delimiter=delimiter, on_progress=show)
        show(len(event_set), len(event_set))
    say_rejected(event_set.report)
    if items is not None:
        report = ReadReport()
        event_set = replace(event_set, catalog=tuple(iter_items(items, report=report)))
        say_rejected(report)
    return event_set


def fetch_with_bar(data_dir: Path) -> Path:
    """Fetch MovieLens-100K, with a bar unless it is there, and return its folder."""
    with progress_bar("Fetching MovieLens-100K", is_bytes=True) as show:
        return fetch_ml_100k(data_dir, show)
