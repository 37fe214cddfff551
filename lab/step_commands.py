"""Commands of the steps: one for each, and one for all of them."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from lab.configuration.lab_settings import LabSettings
from lab.configuration.reading import read_lab_settings
from lab.models_file import write_models_file
from lab.results_page import write_results_page
from lab.steps.registry import APART, STEPS
from lab.steps.running import DEFAULT_FOLDER, Laboratory
from lab.steps.step import Step
from streamrec.cli.screen import output, progress_bar, say
from streamrec.errors import CorruptArtifact, InvalidInput

Config = Annotated[Path | None, typer.Option(help="A configuration (default: lab.toml, if there is one).")]
Set = Annotated[list[str] | None, typer.Option("--set", help="section.key=value, may be repeated.")]
Folder = Annotated[Path, typer.Option(help="Where the steps' outputs are.")]
Again = Annotated[bool, typer.Option("--again", help="Also what is up to date.")]
Other = Annotated[
    bool, typer.Option("--accept-other-inputs", help="Also inputs made of other data or settings.")
]
Strict = Annotated[bool, typer.Option("--strict", help="Fail when a step's checks find something.")]


def add_step_commands(app: typer.Typer) -> None:
    """Add the commands of all steps."""
    for step in (*STEPS, *APART):
        app.command(step.name, help=step.title)(_command_of([step]))
    app.command(
        "dashboard",
        help="Write a page of what the steps made and found, and models.json for the service's page.",
    )(_dashboard)
    app.command("all", help=f"All steps ({', '.join(step.name for step in STEPS)}), and the page.")(
        _command_of(STEPS, with_page=True)
    )


def _dashboard(folder: Folder = DEFAULT_FOLDER) -> None:
    laboratory = Laboratory(STEPS, folder, LabSettings(), progress_bar, say)
    output.print(str(write_results_page(laboratory)), markup=False)
    try:
        output.print(str(write_models_file(laboratory)), markup=False)
    except (InvalidInput, CorruptArtifact) as error:
        say(f"no comparison of models for the page: {error}")


def _command_of(steps: Sequence[Step], *, with_page: bool = False) -> Callable[..., None]:
    def command(  # noqa: PLR0913 as many parameters as options
        config: Config = None,
        set_: Set = None,
        folder: Folder = DEFAULT_FOLDER,
        again: Again = False,  # noqa: FBT002
        accept_other_inputs: Other = False,  # noqa: FBT002
        strict: Strict = False,  # noqa: FBT002
    ) -> None:
        settings = read_lab_settings(config, set_ or ())
        laboratory = Laboratory((*STEPS, *APART), folder, settings, progress_bar, say)
        for step in steps:
            laboratory.run(step, again=again, accepts_other_inputs=accept_other_inputs, is_strict=strict)
        if with_page:
            _dashboard(folder)

    return command
