"""`load-items`: item metadata into the recommender."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from streamrec.cli.choices import ApiKey, PortSettings, RecommenderUrl
from streamrec.cli.files.options import DatasetName, config_for, refuse_reading_of, takes_reading
from streamrec.cli.files.standard_input import named
from streamrec.cli.loading import REFUSED, patiently_called, say_loaded
from streamrec.cli.screen import Show, progress_bar
from streamrec.cli.service_call import Service
from streamrec.datasets.config_file import ItemFile, read_config
from streamrec.datasets.file_options import CONFIG_NAME
from streamrec.datasets.files.item_files import ItemRow, iter_item_rows
from streamrec.datasets.files.raw_rows import Place
from streamrec.datasets.files.read_report import ReadReport
from streamrec.datasets.files.reading import Reading
from streamrec.datasets.named import DEFAULT_DATA_DIR, ML_100K
from streamrec.datasets.open_dataset import open_dataset
from streamrec.domain.items.item import Item
from streamrec.errors import InvalidInput, RefusedBody
from streamrec.settings.reading import read_settings

ITEMS_PATH = "/v1/items"
_BATCH = 200  # some 100 kB a request, well below what the service takes


@takes_reading
def load_items(
    reading: Reading,
    dataset: DatasetName = None,
    file: Annotated[
        Path | None, typer.Option(help="Items as CSV, JSON Lines or Parquet, a folder of parts, or -.")
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help=f"The items of what `init` wrote; by default {CONFIG_NAME}.")
    ] = None,
    url: RecommenderUrl = None,
    api_key: ApiKey = None,
) -> None:
    """Send titles, categories and whatever else is known of the items to the recommender."""
    given = [one for one in (dataset, file, config_for(config, dataset, file)) if one is not None]
    if len(given) != 1:
        raise InvalidInput(
            f"give one of --dataset (for example {ML_100K}), --file FILE and --config {CONFIG_NAME}"
        )
    service = Service(url or read_settings(PortSettings).recommender_url, api_key)
    report = ReadReport()
    (of,) = given
    if isinstance(of, str):
        catalog = open_dataset(of, data_dir=DEFAULT_DATA_DIR).catalog
        rows = catalog_rows(catalog, of, report)
    else:
        files = _items_of(of, reading) if file is None else [ItemFile(named(of), reading)]
        rows = chain.from_iterable(iter_item_rows(*one, report) for one in files)
    with progress_bar("Loading items") as show:
        n_items = put_items(service, rows, report, show)
    say_loaded(service, report, n_items, f"{n_items:,} items", of=of, kind="an item")


def _items_of(config: Path, reading: Reading) -> Sequence[ItemFile]:
    files = read_config(config).items
    if not files:
        raise InvalidInput(f"{config} names no file of items: give --file FILE")
    refuse_reading_of(config, reading, "give --file FILE")
    return files


def catalog_rows(catalog: Iterable[Item], dataset: str, report: ReadReport) -> Iterator[ItemRow]:
    """Yield the items of a data set with their numbers among them."""
    for number, item in enumerate(catalog, start=1):
        report.n_read += 1
        yield ItemRow(item, Place(number, 1, f"items of {dataset}"))


def put_items(service: Service, rows: Iterable[ItemRow], report: ReadReport, show: Show) -> int:
    """Put items in batches, waiting where the service says so; return how many it took.

    The service takes all of a batch or nothing. Of one that it refuses the halves are sent, and so on, down
    to the items that it does not take; these are left out, and counted in the report.

    Raises
    ------
    InvalidInput, UnknownId
        When it refuses requests of the kind.
    Unavailable
        When it does not answer after some tries.
    """
    patience = patiently_called()
    n_items = 0
    for batch in _batches(rows):
        parts = [batch]
        while parts:
            part = parts.pop()
            try:
                patience(service.call, "PUT", ITEMS_PATH, [_body(row.item) for row in part])
            except RefusedBody as error:
                if len(part) == 1:
                    item, place = part[0]
                    report.reject(place.rejected(REFUSED, f"item {item.item_id!r}: {error.detail}"))
                else:  # in order: of two items of one id the later one counts
                    middle = len(part) // 2
                    parts += [part[middle:], part[:middle]]
            else:
                n_items += len(part)
                show(n_items)
    return n_items


def _body(item: Item) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.to_builtins(item)
    fields.pop("updated_at", None)  # the service itself says when
    return fields


def _batches(rows: Iterable[ItemRow]) -> Iterator[Sequence[ItemRow]]:
    iterator = iter(rows)
    while batch := list(islice(iterator, _BATCH)):
        yield batch
