"""`evaluate`: how well models would have predicted each event just before it happened."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from streamrec.cli.evaluate_table import figures_tables
from streamrec.cli.files.opening import open_chosen
from streamrec.cli.files.options import Chosen, takes_files
from streamrec.cli.files.standard_input import named
from streamrec.cli.screen import output, progress_bar, say, say_rejected
from streamrec.datasets.files.read_report import ReadReport
from streamrec.datasets.files.reading import Reading
from streamrec.datasets.user_files import iter_user_rows
from streamrec.durable_files import refuse_unwritable
from streamrec.errors import InvalidInput
from streamrec.settings.processes import LearningSettings, TrainerSettings
from streamrec.settings.reading import read_settings

DEFAULT_MODELS = "popularity,decayed_popularity,gmf,covisitation,served"

_LONGEST = 1000


@takes_files
def evaluate(
    chosen: Chosen,
    model: Annotated[str, typer.Option(help="Which models, with commas between.")] = DEFAULT_MODELS,
    json: Annotated[Path | None, typer.Option(help="Write the figures to this file as well.")] = None,
    plot: Annotated[
        Path | None, typer.Option(help="Draw recall over the stream: a .png, .svg or .html file.")
    ] = None,
    stride: Annotated[int, typer.Option(min=1, help="Predict every n-th event; all are learned.")] = 1,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first n events.")] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Run models with chance in them so often.")] = 1,
    repeats: Annotated[
        bool, typer.Option("--repeats", help="Items chosen before are candidates too.")
    ] = False,
    k: Annotated[str, typer.Option(help="Lengths of the lists, with commas between.")] = "10,20",
    initial_share: Annotated[float, typer.Option(min=0, max=1, help="History, the oldest part.")] = 0.1,
    users: Annotated[
        Path | None, typer.Option(help="Attributes of the users, a file as load-users reads it.")
    ] = None,
    rate: Annotated[
        float | None,
        typer.Option(min=0.001, help="Simulate the trainer's batches and delays at so many events a second."),
    ] = None,
) -> None:
    """Predict each event of a stream before learning it; every row is a positive."""
    # Torch takes seconds to import: no other command should wait for it.
    from streamrec.evaluation.plot import draw, require_plotting
    from streamrec.evaluation.prequential import chosen_models, run
    from streamrec.evaluation.protocol import Protocol
    from streamrec.evaluation.report import figures, why_no_question
    from streamrec.evaluation.streamed import Pace

    models = chosen_models(_names(model))
    for path in (json, plot):
        if path is not None:
            refuse_unwritable(path)
    if plot is not None:
        require_plotting(plot)
    protocol = Protocol(
        initial_share,
        stride=stride,
        ks=_lengths(k),
        pace=None if rate is None else Pace(rate),
        with_repeats=repeats,
        n_seeds=seeds,
        learning=read_settings(LearningSettings),
        trainer=read_settings(TrainerSettings),
    )
    event_set = open_chosen(chosen)[:limit].without_retracted()
    protocol = replace(protocol, catalog=event_set.catalog, users=_attributes(users))
    with progress_bar("Evaluating", len(event_set)) as show:
        show(0)
        evaluation = run(event_set, models, protocol, show)
    if not len(evaluation.positions):
        say(f"no event can be predicted: {why_no_question(evaluation)}", "yellow")
    results = figures(evaluation)
    if json is not None:
        json.write_bytes(msgspec.json.format(msgspec.json.encode(results), indent=2) + b"\n")
    if plot is not None:
        draw(evaluation, plot)
    for table in figures_tables(results):
        output.print(table)


def _attributes(path: Path | None) -> dict[str, dict[str, Any]]:
    """Read attributes by user; of a user of several rows the last one counts."""
    if path is None:
        return {}
    report = ReadReport()
    found = {row.user_id: row.attributes for row in iter_user_rows(named(path), Reading(), report)}
    say_rejected(report)
    return found


def _names(models: str) -> list[str]:
    """Read names with commas between.

    >>> _names("gmf, popularity,gmf")
    ['gmf', 'popularity']

    Raises
    ------
    InvalidInput
        When there is none.
    """
    names = [name.strip() for name in models.split(",") if name.strip()]
    if not names:
        raise InvalidInput(f"--model: name at least one, for example {DEFAULT_MODELS}")
    return list(dict.fromkeys(names))


def _lengths(ks: str) -> tuple[int, ...]:
    """Read lengths with commas between; return them ascending.

    >>> _lengths("20,5")
    (5, 20)

    Raises
    ------
    InvalidInput
        When one is no number from 1 to 1,000.
    """
    try:
        lengths = sorted({int(length) for length in ks.split(",")})
    except ValueError:
        lengths = [0]
    if not 1 <= lengths[0] <= lengths[-1] <= _LONGEST:
        raise InvalidInput(f"--k {ks}: numbers from 1 to {_LONGEST:,}, with commas between")
    return tuple(lengths)
