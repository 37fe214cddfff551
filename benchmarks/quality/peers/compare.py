"""Models of other libraries and of papers beside the served list, on the same questions.

One seed, one model after the other; what is measured is kept under `--cells`, and an interrupted run goes on
where it was.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from benchmarks import results_file
from benchmarks.quality.models import PAGE, SERVED, Cell, DataSet, measure_model, named
from benchmarks.quality.peers.chart import draw
from benchmarks.quality.peers.implicit_models import require_implicit
from benchmarks.quality.peers.models import PEERS
from benchmarks.quality.tables import put_between
from streamrec.datasets.named import DEFAULT_DATA_DIR, ML_100K, fetch_ml_100k
from streamrec.errors import ConfigurationError
from streamrec.evaluation.models import MODELS, Model

OURS = (SERVED, "covisitation", "decayed_popularity")

COMPARED: Mapping[str, Model] = {**{name: MODELS[name] for name in OURS}, **PEERS}

STRIDE = 10

MARKERS = ("<!-- peers: begin -->", "<!-- peers: end -->")

CHART = PAGE.parent / "quality-peers.svg"

Files = Annotated[list[str] | None, typer.Option("--events", help="NAME=FILE[,ITEMS], may be repeated.")]


def main(
    json: Annotated[
        Path | None, typer.Option(help="Write the figures to this file, table and chart.")
    ] = None,
    events: Files = None,
    stride: Annotated[int, typer.Option(min=1, help="Ask about every n-th event; all are learned.")] = STRIDE,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first n events.")] = None,
    model: Annotated[list[str] | None, typer.Option(help="Measure this one only; may be repeated.")] = None,
    cells: Annotated[Path, typer.Option(help="Keep what is measured here.")] = Path("var/quality_peers"),
) -> None:
    """Measure our models and the peers; the table is made of all that was measured so far."""
    unknown = sorted(set(model or ()) - set(COMPARED))
    if unknown:
        raise typer.BadParameter(f"{', '.join(unknown)}; there are {', '.join(COMPARED)}")
    try:
        require_implicit()
    except ConfigurationError as error:
        typer.secho(str(error), fg="red", err=True)
        raise typer.Exit(2) from error
    fetch_ml_100k(DEFAULT_DATA_DIR)
    sources = [DataSet(ML_100K, ML_100K), *map(named, events or ())]
    data_sets = [source._replace(stride=stride) for source in sources]
    for name in model or COMPARED:
        for data_set in data_sets:
            cell = Cell(data_set, name, 0, limit, is_part=False)
            if not cell.file(cells).exists():
                print(measure_model(COMPARED[name], cell, cells), flush=True)
    if json is not None:
        results = {data_set.name: _gathered(data_set, limit, cells) for data_set in data_sets}
        results_file.write(json, results)
        put_between(MARKERS, table_rows(results), PAGE)
        draw(results, OURS, CHART)


def table_rows(results: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Yield the lines of a Markdown table a data set, best recall first."""
    for name, models in results.items():
        n_questions = next(iter(models.values()))["n_events"]
        yield f"\n| {name} ({n_questions:,} questions) | recall@10 | NDCG@10 | of new items | debiased | ms |"
        yield "|---" * 6 + "|"
        for model, figures in in_order(models):
            low, high = figures["intervals"]["recall_at_10"]
            predict, learn = (figures["time_ms"][step]["mean"] for step in ("predict", "learn"))
            cells = (
                f"{'**' * (model in OURS)}`{model}`{'**' * (model in OURS)}",
                f"{figures['recall_at_10']:.4f} ± {(high - low) / 2:.3f}",
                f"{figures['ndcg_at_10']:.3f}",
                f"{figures['segments']['new_items']['recall_at_10']:.3f}",
                f"{figures['debiased']['recall_at_10']:.3f}",
                f"{predict:.2f} / {learn:.2f}",
            )
            yield f"| {' | '.join(cells)} |"


def in_order(models: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Return models and their figures, best recall first."""
    return sorted(models.items(), key=lambda named: -named[1]["recall_at_10"])


def _gathered(data_set: DataSet, limit: int | None, folder: Path) -> dict[str, Any]:
    """Return the figures of each model that was measured."""
    files = {name: Cell(data_set, name, 0, limit, is_part=False).file(folder) for name in COMPARED}
    return {name: msgspec.json.decode(file.read_bytes()) for name, file in files.items() if file.exists()}


if __name__ == "__main__":
    typer.run(main)
