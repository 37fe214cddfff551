"""The commands."""

from collections.abc import Sequence
from typing import Annotated

import typer

from streamrec import __version__
from streamrec.cli import data
from streamrec.cli.backup.commands import backup, restore
from streamrec.cli.doctor.doctor import doctor
from streamrec.cli.ending import ending_with_a_line, make_streams_usable
from streamrec.cli.evaluate import evaluate
from streamrec.cli.experiments import commands as experiments
from streamrec.cli.export.export import export
from streamrec.cli.files.clean_data import clean_data
from streamrec.cli.files.init import init
from streamrec.cli.installation import program
from streamrec.cli.launch.run import run
from streamrec.cli.launch.stack import stack_local
from streamrec.cli.lists import commands as lists
from streamrec.cli.load_items import load_items
from streamrec.cli.load_users import load_users
from streamrec.cli.own_data import commands
from streamrec.cli.replay import replay
from streamrec.cli.retraining.archive import archive
from streamrec.cli.retraining.retrain import retrain
from streamrec.cli.screen import output
from streamrec.cli.serve.parts_command import parts
from streamrec.cli.serve.serve import serve
from streamrec.cli.training.attribution import attribution
from streamrec.cli.training.bars import history
from streamrec.cli.training.promote import promote, rollback
from streamrec.cli.user_data.erase import erase
from streamrec.cli.user_data.export_user import export_user

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="A recommender that learns while it serves. Settings come from STREAMREC_... variables.",
)


def _say_version(is_asked: bool) -> None:
    if is_asked:
        output.print(f"streamrec {__version__}", markup=False)
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_say_version, is_eager=True, help="Say which version this is."),
    ] = False,
) -> None:
    pass


app.add_typer(data.app, name="data")
app.add_typer(experiments.app, name="experiment")
app.add_typer(lists.app, name="lists")
app.add_typer(commands.app, name="own-data", hidden=True)
app.command()(init)
app.command()(replay)
app.command()(load_items)
app.command()(load_users)
app.command()(evaluate)
app.command()(promote)
app.command()(rollback)
app.command()(history)
app.command()(attribution)
app.command()(archive)
app.command()(retrain)
app.command()(export)
app.command()(export_user)
app.command()(erase)
app.command()(backup)
app.command()(restore)
app.command()(doctor)
app.command()(run)
app.command()(serve)
app.command()(parts)
app.command()(stack_local)
app.command()(clean_data)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and exit."""
    make_streams_usable()
    with ending_with_a_line():
        app(arguments, prog_name=program())
