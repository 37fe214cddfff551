"""Recommendation quality: every model on every data set, the same defaults everywhere.

Prequential, all candidates, exact ranks (docs/evaluation.md); the mean of some seeds. Besides MovieLens-100K,
streams of our own generator, and any files: `--events NAME=FILE`, with columns user_id, item_id, timestamp.
Each data set's figures are written as soon as it is done, so that an interrupted run leaves what it has.
"""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import msgspec
import typer

from benchmarks.quality_tables import write_tables
from streamrec.datasets.event_set import EventSet
from streamrec.datasets.named import DEFAULT_DATA_DIR, ML_100K, fetch_ml_100k
from streamrec.datasets.open_dataset import open_dataset
from streamrec.datasets.synthetic import SyntheticStream
from streamrec.datasets.synthetic_events import write_synthetic
from streamrec.evaluation.models import MODELS
from streamrec.evaluation.prequential import chosen_models, run
from streamrec.evaluation.protocol import Protocol
from streamrec.evaluation.report import figures

PAGE = Path(__file__).parent.parent / "docs" / "quality.md"

SYNTHETIC = {
    "synthetic": SyntheticStream(40_000, n_users=2_000, n_items=2_000),
    "synthetic, fast drift": SyntheticStream(40_000, n_users=2_000, n_items=2_000, drift=20.0, n_clusters=50),
}
"""Name -> stream: tastes that hardly move, and tastes that go through all clusters."""

Events = Annotated[list[str] | None, typer.Option("--events", help="NAME=FILE, may be repeated.")]


def main(
    json: Annotated[Path | None, typer.Option(help="Write the figures to this file.")] = None,
    events: Events = None,
    model: Annotated[str, typer.Option(help="Which models, with commas between.")] = ",".join(MODELS),
    seeds: Annotated[int, typer.Option(min=1, help="Runs of each model that has chance in it.")] = 5,
    stride: Annotated[int, typer.Option(min=1, help="Predict every n-th event; all are learned.")] = 1,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first n events of each.")] = None,
) -> None:
    """Measure all models on all data sets and write the tables."""
    models = chosen_models(model.split(","))
    protocol = Protocol(n_seeds=seeds, stride=stride)
    results: dict[str, Any] = {}
    for name, event_set in _data_sets(events or []):
        evaluation = run(event_set[:limit], models, protocol)
        results[name] = {
            "n_events": len(evaluation.events.user_rows),
            "data_hash": event_set.content_hash,
            "stride": stride,
            "models": figures(evaluation),
        }
        for of_model, found in results[name]["models"].items():
            print(f"{name:24} {of_model:20} recall@10 {found['recall_at_10']:.4f}", flush=True)
        if json is not None:
            json.parent.mkdir(parents=True, exist_ok=True)
            json.write_bytes(msgspec.json.format(msgspec.json.encode(results), indent=1) + b"\n")
            write_tables(results, PAGE)


def _data_sets(named_files: list[str]) -> Iterator[tuple[str, EventSet]]:
    """Yield data sets by name, one in memory at a time."""
    fetch_ml_100k(DEFAULT_DATA_DIR)
    yield ML_100K, open_dataset(ML_100K)
    for named_file in named_files:
        name, _, path = named_file.partition("=")
        yield name, open_dataset(path)
    for name, stream in SYNTHETIC.items():
        with TemporaryDirectory() as folder:
            file = Path(folder) / "events.parquet"
            write_synthetic(stream, file)
            yield name, open_dataset(file)


if __name__ == "__main__":
    typer.run(main)
