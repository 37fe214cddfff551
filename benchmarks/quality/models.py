"""Recommendation quality: every model on every data set, the same defaults everywhere.

Prequential, all candidates, exact ranks (docs/reference/evaluation.md); what is served is the mean of some
seeds. Besides MovieLens-100K, streams of our own generator, and any files: `--events NAME=FILE`, with columns
user_id, item_id, timestamp; `NAME=FILE@10` asks about every tenth event only, and `NAME=FILE,ITEMS` goes by
metadata of the items, a file as `load-items` reads it.

A cell of the tables is one model on one data set with one seed. Each is measured in a process of its own and
kept in a file under `--cells`: an interrupted run goes on where it was, and tables are made of what there is.
"""

import gc
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import partial
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import msgspec
import typer

from benchmarks import results_file
from benchmarks.quality.made_up import MADE_UP, write_made_up
from benchmarks.quality.tables import write_tables
from streamrec.datasets.files.item_files import iter_items
from streamrec.datasets.named import DEFAULT_DATA_DIR, ML_100K, fetch_ml_100k
from streamrec.datasets.open_dataset import open_dataset
from streamrec.datasets.synthetic import SyntheticStream
from streamrec.datasets.synthetic_events import write_synthetic
from streamrec.domain.sources.covisitation import COVISITATION
from streamrec.domain.sources.followers import FOLLOWERS
from streamrec.domain.sources.gmf import GMF
from streamrec.domain.sources.popular import POPULAR
from streamrec.evaluation.models import MODELS, Model
from streamrec.evaluation.prequential import run
from streamrec.evaluation.protocol import Protocol
from streamrec.evaluation.report import figures
from streamrec.evaluation.served import ServedModel
from streamrec.learning.learner import use_one_thread

PAGE = Path(__file__).parents[2] / "docs" / "quality.md"


def _without(*sources: str) -> Model:
    return Model(partial(ServedModel, left_out=frozenset(sources)), has_chance=True)


PARTS: dict[str, Model] = {
    "served": MODELS["served"],
    "without gmf": _without(GMF.name),
    "without covisitation": _without(COVISITATION.name),
    "without followers": _without(FOLLOWERS.name),
    "without any popularity": _without(*(source.name for source in POPULAR)),
    **{f"without {source.name}": _without(source.name) for source in POPULAR},
}
"""The served list, and what it would be without each of its sources."""

SYNTHETIC = {
    "synthetic": SyntheticStream(12_000, n_users=600, n_items=1_000),
    "synthetic, fast drift": SyntheticStream(12_000, n_users=600, n_items=1_000, drift=20.0, n_clusters=50),
}
"""Name -> stream: tastes that hardly move, and tastes that go through all clusters."""

DRAWN: dict[str, Callable[[Path], object]] = {
    **{name: partial(write_synthetic, stream) for name, stream in SYNTHETIC.items()},
    **{name: partial(write_made_up, name) for name in MADE_UP},
}
"""Name -> what draws such a stream into a file."""

SERVED = "served"


class DataSet(NamedTuple):
    """A stream: a data set's name or a file, and every how many-th event is asked about.

    `items` is a file of metadata, for one that has none of its own. One that is drawn is nobody's behaviour:
    one seed says what there is to say, and no source is left out.
    """

    name: str
    source: str
    stride: int = 1
    is_drawn: bool = False
    items: str | None = None


class Cell(NamedTuple):
    """One measurement; a part of the blend is measured on the first `limit` events."""

    data_set: DataSet
    model: str
    seed_number: int
    limit: int | None
    is_part: bool

    def file(self, folder: Path) -> Path:
        """Return where the cell is kept."""
        kind = "parts" if self.is_part else "models"
        return folder / self.data_set.name / kind / f"{self.model.replace(' ', '-')}.{self.seed_number}.json"


Events = Annotated[
    list[str] | None, typer.Option("--events", help="NAME=FILE[@STRIDE][,ITEMS], may be repeated.")
]


def main(
    json: Annotated[Path | None, typer.Option(help="Write the figures to this file, and the tables.")] = None,
    events: Events = None,
    seeds: Annotated[int, typer.Option(min=1, help="Runs of what is served.")] = 5,
    seeds_of_others: Annotated[
        int, typer.Option(min=1, help="Runs of other models with chance in them.")
    ] = 1,
    parts_limit: Annotated[int, typer.Option(min=0, help="First events for the parts; 0: without.")] = 20_000,
    cells: Annotated[Path, typer.Option(help="Keep what is measured here.")] = Path("var/quality"),
) -> None:
    """Measure all models, and the served list without each part, on all data sets; write the tables."""
    chosen = list(data_sets(events or [], cells))
    wanted = [cell for data_set in chosen for cell in _cells(data_set, (seeds, seeds_of_others), parts_limit)]
    missing = [cell for cell in wanted if not cell.file(cells).exists()]
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for done in as_completed([pool.submit(measure, cell, cells) for cell in missing]):
            print(done.result(), flush=True)
    if json is not None:
        results = {data_set.name: _gathered(data_set, wanted, cells) for data_set in chosen}
        results_file.write(json, results)
        write_tables(results, PAGE)


def measure(cell: Cell, folder: Path) -> str:
    """Measure one cell of the tables and keep its figures; return them in a line."""
    return measure_model((PARTS if cell.is_part else MODELS)[cell.model], cell, folder)


def measure_model(model: Model, cell: Cell, folder: Path) -> str:
    """Measure a model as a cell and keep its figures; return them in a line."""
    use_one_thread()
    gc.set_threshold(100_000)  # Some million ids live all along; nothing here makes cycles to look for.
    events = open_dataset(cell.data_set.source)[: cell.limit]
    # Parts are short streams: all their events are asked about.
    stride = 1 if cell.is_part else cell.data_set.stride
    items = cell.data_set.items
    catalog = events.catalog if items is None else tuple(iter_items(Path(items)))
    protocol = Protocol(stride=stride, catalog=catalog).with_seed(cell.seed_number)
    (found,) = figures(run(events, {cell.model: model}, protocol)).values()
    file = cell.file(folder)
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_suffix(".unfinished")
    unfinished.write_bytes(msgspec.json.encode(found))
    unfinished.replace(file)
    return f"{cell.data_set.name:24} {cell.model:32} recall@10 {found['recall_at_10']:.4f}"


def mean_of(runs: list[Any]) -> Any:  # noqa: ANN401
    """Return figures of the same shape as each of the runs', with the means of their numbers.

    >>> mean_of([{"a": 1, "b": [0.0, 2.0]}, {"a": 2, "b": [1.0, 3.0]}])
    {'a': 1.5, 'b': [0.5, 2.5]}
    """
    first = runs[0]
    if isinstance(first, dict):
        return {name: mean_of([one[name] for one in runs]) for name in first}
    if isinstance(first, list):
        return [mean_of(list(numbers)) for numbers in zip(*runs, strict=True)]
    if isinstance(first, int | float) and not isinstance(first, bool):
        return sum(runs) / len(runs)
    return first


def _gathered(data_set: DataSet, wanted: list[Cell], folder: Path) -> dict[str, Any]:
    """Return the figures of a data set: model -> the means of its seeds, and each seed's recall."""
    result: dict[str, Any] = {"models": {}, "parts": {"models": {}}}
    for cell in wanted:
        if cell.data_set == data_set and cell.file(folder).exists():
            kept = result["parts"] if cell.is_part else result
            kept["models"].setdefault(cell.model, []).append(
                msgspec.json.decode(cell.file(folder).read_bytes())
            )
    for kept in (result, result["parts"]):
        for model, runs in kept["models"].items():
            kept["models"][model] = mean_of(runs) | {
                "recall_at_10_by_seed": [one["recall_at_10"] for one in runs]
            }
    return result


def _cells(data_set: DataSet, seeds: tuple[int, int], parts_limit: int) -> Iterator[Cell]:
    """Yield what is to be measured of a data set, what counts most first."""
    for model in dict.fromkeys((SERVED, *MODELS)):
        n_seeds = seeds[model != SERVED] if MODELS[model].has_chance and not data_set.is_drawn else 1
        for number in range(n_seeds):
            yield Cell(data_set, model, number, None, is_part=False)
    if parts_limit and not data_set.is_drawn:
        for part in PARTS:
            yield Cell(data_set, part, 0, parts_limit, is_part=True)


def named(named_file: str) -> DataSet:
    """Return the data set that `NAME=FILE[@STRIDE][,ITEMS]` says.

    >>> named("clicks=clicks.csv@10,films.jsonl")
    DataSet(name='clicks', source='clicks.csv', stride=10, is_drawn=False, items='films.jsonl')
    """
    name, _, files = named_file.partition("=")
    path, _, items = files.partition(",")
    path, _, stride = path.partition("@")
    return DataSet(name, path, int(stride or 1), items=items or None)


def data_sets(named_files: list[str], folder: Path) -> Iterator[DataSet]:
    """Yield MovieLens, files by `NAME=FILE[@STRIDE][,ITEMS]`, and streams that are drawn into a folder."""
    fetch_ml_100k(DEFAULT_DATA_DIR)
    yield DataSet(ML_100K, ML_100K)
    yield from map(named, named_files)
    folder.mkdir(parents=True, exist_ok=True)
    for name, write in DRAWN.items():
        file = folder / f"{name.replace(' ', '-')}.parquet"
        if not file.exists():
            write(file)
        yield DataSet(name, str(file), is_drawn=True)


if __name__ == "__main__":
    typer.run(main)
