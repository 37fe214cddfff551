"""Recommendation quality: every model on every data set, the same defaults everywhere.

Prequential, all candidates, exact ranks (docs/evaluation.md); the mean of some seeds. Besides MovieLens-100K,
streams of our own generator, and any files: `--events NAME=FILE`, with columns user_id, item_id, timestamp.
Each data set's figures are written as soon as it is done, so that an interrupted run leaves what it has.
"""

from collections.abc import Iterator, Mapping
from functools import partial
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
from streamrec.evaluation.models import MODELS, Model
from streamrec.evaluation.prequential import chosen_models, run
from streamrec.evaluation.protocol import Protocol
from streamrec.evaluation.report import figures
from streamrec.evaluation.served import ServedModel
from streamrec.serving.sources import COVISITATION, FOLLOWERS, GMF, POPULAR

PAGE = Path(__file__).parent.parent / "docs" / "quality.md"


def _without(*sources: str) -> Model:
    return Model(partial(ServedModel, left_out=frozenset(sources)), has_chance=True)


PARTS: dict[str, Model] = {
    "served": MODELS["served"],
    "without gmf": _without(GMF),
    "without covisitation": _without(COVISITATION),
    "without followers": _without(FOLLOWERS),
    "without any popularity": _without(*POPULAR),
    **{f"without {window}": _without(window) for window in POPULAR},
}
"""The served list, and what it would be without each of its sources."""

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
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first n events of each.")] = None,
    parts_limit: Annotated[int, typer.Option(min=0, help="Of these, for the parts; 0: without.")] = 20_000,
) -> None:
    """Measure all models, and the served list without each part, on all data sets; write the tables."""
    models = chosen_models(model.split(","))
    results: dict[str, Any] = {}
    for name, event_set in _data_sets(events or []):
        results[name] = {
            "data_hash": event_set.content_hash,
            **_measured(name, event_set[:limit], models, Protocol(n_seeds=seeds)),
        }
        if parts_limit:
            results[name]["parts"] = _measured(name, event_set[:parts_limit], PARTS, Protocol())
        if json is not None:
            json.parent.mkdir(parents=True, exist_ok=True)
            json.write_bytes(msgspec.json.format(msgspec.json.encode(results), indent=1) + b"\n")
            write_tables(results, PAGE)


def _measured(
    data_set: str, event_set: EventSet, models: Mapping[str, Model], protocol: Protocol
) -> dict[str, Any]:
    found = figures(run(event_set, models, protocol))
    for name, of_model in found.items():
        print(f"{data_set:24} {name:32} recall@10 {of_model['recall_at_10']:.4f}", flush=True)
    return {"n_events": len(event_set), "models": found}


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
