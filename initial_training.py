"""history -> first model: a generation that can be served and streamed into. A composition root."""

import streamrec.settings.one_thread  # noqa: F401, I001  # before numpy
from pathlib import Path
from typing import Annotated

import typer

from streamrec.cli.ending import ending_with_a_line
from streamrec.cli.files.opening import open_chosen
from streamrec.cli.files.options import Chosen, takes_files
from streamrec.cli.retraining.joined_history import history_of_stream
from streamrec.cli.training.initial import train
from streamrec.cli.training.initial_history import history_of
from streamrec.learning.initial.fit import FitOptions
from streamrec.promotion.admission import enough_to_replace
from streamrec.settings.processes import LocationSettings
from streamrec.settings.reading import read_settings
from streamrec.telemetry import configure_logging

EXIT_BELOW_POPULARITY = 3


@takes_files
def main(
    chosen: Chosen,
    from_stream: Annotated[bool, typer.Option("--from-stream", help="Learn what the log holds.")] = False,
    until_fraction: Annotated[float, typer.Option(min=0, max=1, help="The first part, by time.")] = 1.0,
    warm_start: Annotated[Path | None, typer.Option(help="Start from var/artifacts/GENERATION.")] = None,
    as_challenger: Annotated[bool, typer.Option("--as-challenger", help="Do not make it live.")] = False,
    leave_out_top: Annotated[int, typer.Option(min=0, help="Do not train on the most popular items.")] = 0,
    max_events_of_user: Annotated[int | None, typer.Option(min=1, help="Newest ones to train on.")] = None,
    max_item_share: Annotated[float | None, typer.Option(help="Of all events, at most of one item.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a model that knows far more.")] = False,
) -> None:
    """Train a model on history and make it live; exit with 3 when it ranks worse than popularity."""
    options = FitOptions(
        n_top_items_left_out=leave_out_top,
        max_events_of_user=max_events_of_user,
        max_item_share=max_item_share,
    )
    with ending_with_a_line():
        locations = read_settings(LocationSettings)
        configure_logging("WARNING", "initial-training")
        if from_stream:
            history = history_of_stream(locations)
        else:
            history = history_of(open_chosen(chosen), until_fraction)
        admission = enough_to_replace(locations.artifacts_dir, is_demanded=not (force or as_challenger))
        is_good = train(history, options, warm_start, as_challenger=as_challenger, admission=admission)
    if not is_good:
        raise typer.Exit(EXIT_BELOW_POPULARITY)


if __name__ == "__main__":
    typer.run(main)
