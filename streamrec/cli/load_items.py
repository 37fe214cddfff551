"""`load-items`: item metadata into the recommender."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import msgspec
import tenacity
import typer

from streamrec.cli.choices import (
    ApiKey,
    Dataset,
    Delimiter,
    Mapping,
    PortSettings,
    RecommenderUrl,
    parse_mapping,
)
from streamrec.cli.screen import Show, progress_bar, say, say_rejected
from streamrec.cli.service_call import Service
from streamrec.datasets.files.item_files import ItemRow, iter_item_rows
from streamrec.datasets.files.read_report import ReadReport
from streamrec.datasets.named import DEFAULT_DATA_DIR, ML_100K
from streamrec.datasets.open_dataset import open_dataset
from streamrec.domain.items.item import Item
from streamrec.errors import InvalidDataset, InvalidInput, RefusedBody, StreamrecError
from streamrec.settings.reading import read_settings

ITEMS_PATH = "/v1/items"
_BATCH = 200  # some 100 kB a request, well below what the service takes
_MAX_TRIES = 5

REFUSED = "refused"
"""The reason of items that the service does not take."""


def load_items(
    dataset: Dataset = None,
    file: Annotated[Path | None, typer.Option(help="Items as CSV, JSON Lines or Parquet.")] = None,
    mapping: Mapping = None,
    delimiter: Delimiter = None,
    url: RecommenderUrl = None,
    api_key: ApiKey = None,
) -> None:
    """Send titles, categories and whatever else is known of the items to the recommender."""
    if (dataset is None) == (file is None):
        raise InvalidInput(f"give one of --dataset (for example {ML_100K}) and --file FILE")
    service = Service(url or read_settings(PortSettings).recommender_url, api_key)
    report = ReadReport()
    if dataset is not None:
        catalog = open_dataset(dataset, data_dir=DEFAULT_DATA_DIR).catalog
        rows = catalog_rows(catalog, dataset, report)
    else:
        rows = iter_item_rows(file or Path(), parse_mapping(mapping), report, delimiter)
    with progress_bar("Loading items") as show:
        n_items = put_items(service, rows, report, show)
    say_rejected(report)
    if report.n_read and not n_items:
        what = "was taken" if report.reasons[REFUSED] else "is an item"
        raise InvalidDataset(f"not one row of {file or dataset} {what}")
    say(f"{n_items:,} items are at {service.address}")


def catalog_rows(catalog: Iterable[Item], dataset: str, report: ReadReport) -> Iterator[ItemRow]:
    """Yield the items of a data set with their numbers among them."""
    for number, item in enumerate(catalog, start=1):
        report.n_read += 1
        yield ItemRow(item, number, 1, f"items of {dataset}")


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
    patience = tenacity.Retrying(
        retry=tenacity.retry_if_exception(lambda e: isinstance(e, StreamrecError) and e.retriable),
        wait=tenacity.wait_exponential(multiplier=0.2, max=5.0),
        stop=tenacity.stop_after_attempt(_MAX_TRIES),
        reraise=True,
    )
    n_items = 0
    for batch in _batches(rows):
        parts = [batch]
        while parts:
            part = parts.pop()
            try:
                patience(service.call, "PUT", ITEMS_PATH, [_body(row.item) for row in part])
            except RefusedBody as error:
                if len(part) == 1:
                    report.reject(part[0].rejected(REFUSED, f"item {part[0].item.item_id!r}: {error.detail}"))
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
