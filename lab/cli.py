"""`python -m lab`: fit a model on a file of events, and ask it. A composition root."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from lab.fitting import KINDS, Wanted, model_for
from lab.matrices.cells import Cells
from lab.matrices.sparse_similarity import Measure
from lab.model_files import load_model, save_model
from lab.models.batch_model import Scored
from lab.step_commands import add_step_commands
from streamrec.cli.ending import ending_with_a_line
from streamrec.cli.files.opening import open_chosen
from streamrec.cli.files.options import Chosen, takes_files
from streamrec.cli.screen import output, say, spinner
from streamrec.errors import InvalidInput
from streamrec.settings.processes import TrainerSettings
from streamrec.settings.reading import read_settings

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Batch models: fitted on a whole history at a time, kept in files. See docs/reference/lab.md.",
)

add_step_commands(app)

ModelFile = Annotated[Path, typer.Argument(help="What `fit` wrote.")]
K = Annotated[int, typer.Option("-k", min=1, help="Length of the list at most.")]


@app.command()
@takes_files
def fit(  # noqa: PLR0913 as many parameters as options
    chosen: Chosen,
    out: Annotated[Path, typer.Option(help="The file of the model; a fitted one is replaced.")],
    model: Annotated[str, typer.Option(help=f"One of: {', '.join(KINDS)}.")],
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first n events.")] = None,
    cells: Annotated[
        Cells | None, typer.Option(help="By default mean values for tag-svd, else counts.")
    ] = None,
    measure: Annotated[Measure, typer.Option(help="Not for tag-svd.")] = "cosine",
    shrinkage: Annotated[float, typer.Option(min=0, help="Shared cells until half is believed.")] = 10.0,
    neighbours: Annotated[int, typer.Option(min=1, help="That speak in a recommendation.")] = 50,
    dims: Annotated[int, typer.Option(min=1, help="Of tag-svd.")] = 50,
    seed: Annotated[int, typer.Option(min=0, help="Of tag-svd.")] = 0,
    source: Annotated[
        list[str] | None, typer.Option(help="EVENT_TYPE=WEIGHT, may be repeated: compared apart, blended.")
    ] = None,
    tag_type: Annotated[
        list[str] | None, typer.Option(help="A source of tag-svd whose items are tags; may be repeated.")
    ] = None,
) -> None:
    """Fit a model on a history; tags are the categories of the items that come with it."""
    settings = read_settings(TrainerSettings)
    wanted = Wanted(
        model,
        weights=settings.weights,
        cells=cells,
        measure=measure,
        shrinkage=shrinkage,
        n_neighbours=neighbours,
        n_dims=dims,
        seed=seed,
        sources=parse_sources(source),
        tag_types=frozenset(tag_type or ()),
    )
    event_set = open_chosen(chosen)[:limit]
    fitted = model_for(wanted, event_set)
    with spinner(f"Fitting {model} on {len(event_set):,} events"):
        fitted.fit(event_set, event_set.catalog)
        save_model(fitted, out)
    output.print(str(out), markup=False)


@app.command()
def similar_items(model_file: ModelFile, item_id: str, k: K = 10) -> None:
    """Show the items most like one."""
    _show(load_model(model_file).similar_items(item_id, k))


@app.command()
def similar_users(model_file: ModelFile, user_id: str, k: K = 10) -> None:
    """Show the users most like one."""
    _show(load_model(model_file).similar_users(user_id, k))


@app.command()
def recommend(
    model_file: ModelFile,
    user_id: str,
    k: K = 10,
    with_seen: Annotated[bool, typer.Option("--with-seen", help="Items chosen before as well.")] = False,
) -> None:
    """Show items for a user."""
    _show(load_model(model_file).recommend(user_id, k, exclude_seen=not with_seen))


def parse_sources(pairs: Sequence[str] | None) -> dict[str, float]:
    """Read ``EVENT_TYPE=WEIGHT`` pairs.

    >>> parse_sources(["view=.6", "interest=.3"])
    {'view': 0.6, 'interest': 0.3}

    Raises
    ------
    InvalidInput
        When one is no such pair, or a type stands twice.
    """
    sources: dict[str, float] = {}
    for pair in pairs or ():
        type_, _, weight = pair.rpartition("=")
        try:
            number = float(weight)
        except ValueError:
            number = float("nan")
        if not type_ or type_ in sources or number != number:  # noqa: PLR0124 it is no number
            raise InvalidInput(f"--source {pair!r}: wanted EVENT_TYPE=WEIGHT, each type once")
        sources[type_] = number
    return sources


def _show(answer: Sequence[Scored]) -> None:
    table = Table("id", "score", "support")
    for found in answer:
        table.add_row(Text(found.id), f"{found.score:.4f}", str(found.support))
    if answer:
        output.print(table)
    else:
        say("nothing is known but the id", "yellow")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and exit."""
    with ending_with_a_line():
        app(arguments, prog_name="python -m lab")
