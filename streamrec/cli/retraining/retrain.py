"""`retrain`: a new generation takes the live one's place if it knows as much, and ranks as well."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from streamrec.cli.files.opening import open_chosen
from streamrec.cli.files.options import Chosen, takes_files
from streamrec.cli.screen import output, progress_bar, say
from streamrec.errors import RefusedGeneration
from streamrec.settings.processes import LocationSettings, TrainerSettings
from streamrec.settings.reading import read_settings
from streamrec.telemetry import configure_logging

if TYPE_CHECKING:
    from streamrec.promotion.gate import Verdict

EXIT_REFUSED = 1


@takes_files
def retrain(
    chosen: Chosen,
    from_archive: Annotated[Path | None, typer.Option(help="Learn what `archive` wrote there.")] = None,
    from_stream: Annotated[bool, typer.Option("--from-stream", help="Learn what the log holds.")] = False,
    least_share: Annotated[
        float, typer.Option(min=0, max=1, help="Of the live one's events and users, that it has to know.")
    ] = 0.8,
    within: Annotated[
        float, typer.Option(min=0, max=1, help="Share of the live one's recall that it may lack.")
    ] = 0.05,
    as_challenger: Annotated[
        bool, typer.Option("--as-challenger", help="Let it learn beside the live one if it passes.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Publish it whatever comes out.")] = False,
) -> None:
    """Train a generation on all that is named, compare it with the live one, and let it take its place.

    Files, an archive and the log may be named together: each event is learned once. Exit with 1 when the new
    generation is refused: then the live one stays, and nothing of the new one is left.
    """
    # Torch takes seconds to import: no other command should wait for it.
    from streamrec.cli.retraining.joined_history import joined_history
    from streamrec.cli.training.initial import train
    from streamrec.learning.initial.fit import FitOptions
    from streamrec.promotion.gate import Demands, Gate

    locations, settings = read_settings(LocationSettings), read_settings(TrainerSettings)
    configure_logging("WARNING", "retrain")
    has_files = chosen.dataset is not None or (chosen.files is not None and bool(chosen.files.events))
    files = open_chosen(chosen) if has_files else None
    demands = Demands(least_share, within, is_enforced=not force)
    gate = Gate(locations.artifacts_dir, demands, settings, _show, progress_bar)
    history = joined_history(locations, files, from_archive, from_stream=from_stream)
    try:
        train(history, FitOptions(), None, as_challenger=as_challenger, admission=gate)
    except RefusedGeneration as error:
        say(f"refused: {error}", "yellow")
        raise typer.Exit(EXIT_REFUSED) from error


def _show(verdict: "Verdict") -> None:
    """Print what is known of both, side by side."""
    live = verdict.size_of_live
    table = Table("", "new", "live", "least")
    for name, ours, theirs in (
        ("events", verdict.size.n_events, live and live.n_events),
        ("users", verdict.size.n_users, live and live.n_users),
    ):
        table.add_row(name, f"{ours:,}", "" if theirs is None else f"{theirs:,}", "")
    against = "" if verdict.is_of_live else f" ({verdict.against})"
    table.add_row(
        f"recall@10 on {verdict.n_compared:,} events",
        f"{verdict.recall:.4f}",
        f"{verdict.recall_against:.4f}{against}",
        f"{verdict.least:.4f}",
    )
    table.add_row("", "passes" if verdict.is_passed else "does not pass", "", "")
    output.print(table)
