"""The commands."""

from collections.abc import Sequence

import typer

from streamrec.cli import data
from streamrec.cli.doctor.doctor import doctor
from streamrec.cli.ending import ending_with_a_line
from streamrec.cli.evaluate import evaluate
from streamrec.cli.installation import program
from streamrec.cli.launch.run import run
from streamrec.cli.launch.stack import stack_local
from streamrec.cli.load_items import load_items
from streamrec.cli.replay import replay
from streamrec.cli.training.bars import history
from streamrec.cli.training.promote import promote, rollback

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="A recommender that learns while it serves. Settings come from STREAMREC_... variables.",
)
app.add_typer(data.app, name="data")
app.command()(replay)
app.command()(load_items)
app.command()(evaluate)
app.command()(promote)
app.command()(rollback)
app.command()(history)
app.command()(doctor)
app.command()(run)
app.command()(stack_local)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and exit."""
    with ending_with_a_line():
        app(arguments, prog_name=program())
