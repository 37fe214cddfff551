"""`evaluate`: how well models would have predicted each event just before it happened."""

from collections.abc import Mapping as MappingType
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.table import Table

from streamrec.cli.choices import Dataset, Delimiter, EventsFile, Mapping, open_chosen, read_settings
from streamrec.cli.screen import output, progress_bar
from streamrec.errors import InvalidInput
from streamrec.settings import LearningSettings


def evaluate(
    dataset: Dataset = None,
    events: EventsFile = None,
    mapping: Mapping = None,
    delimiter: Delimiter = None,
    model: Annotated[str, typer.Option(help="Which models, with commas between.")] = "gmf,popularity",
    json: Annotated[Path | None, typer.Option(help="Write the figures to this file as well.")] = None,
    stride: Annotated[int, typer.Option(min=1, help="Predict every n-th event; all are learned.")] = 1,
    k: Annotated[int, typer.Option(min=1, max=1000, help="Length of the lists.")] = 10,
    initial_share: Annotated[float, typer.Option(min=0, max=1, help="History, the oldest part.")] = 0.1,
    rate: Annotated[
        float | None,
        typer.Option(min=0.001, help="Simulate the trainer's batches and delays at so many events a second."),
    ] = None,
) -> None:
    """Predict each event of a stream before learning it; every row is a positive."""
    # Torch takes seconds to import: no other command should wait for it.
    from streamrec.evaluation.prequential import Protocol
    from streamrec.evaluation.prequential import evaluate as evaluate_models
    from streamrec.evaluation.streamed import Pace

    models = [name.strip() for name in model.split(",") if name.strip()]
    if not models:
        raise InvalidInput("--model: name at least one, for example gmf,popularity")
    protocol = Protocol(
        initial_share, stride, k, None if rate is None else Pace(rate), read_settings(LearningSettings)
    )
    event_set = open_chosen(dataset, events, mapping, delimiter)
    with progress_bar("Evaluating", len(event_set)) as show:
        show(0)
        results = evaluate_models(event_set, models, protocol, show)
    if json is not None:
        json.parent.mkdir(parents=True, exist_ok=True)
        json.write_bytes(msgspec.json.format(msgspec.json.encode(results), indent=2) + b"\n")
    output.print(_table(results))


def _table(results: MappingType[str, MappingType[str, float]]) -> Table:
    table = Table("", *results)
    for metric in next(iter(results.values())):
        figures = [of_model[metric] for of_model in results.values()]
        table.add_row(metric, *(f"{f:,}" if isinstance(f, int) else f"{f:.4f}" for f in figures))
    return table
