"""`experiment`: live experiments, over the recommender's HTTP API."""

import json
import tomllib
from pathlib import Path
from typing import Annotated, Any

import typer

from streamrec.cli.choices import ApiKey, PortSettings, RecommenderUrl
from streamrec.cli.experiments.off_policy import off_policy
from streamrec.cli.experiments.report_text import report_lines
from streamrec.cli.screen import output, say
from streamrec.cli.service_call import Service, quoted
from streamrec.errors import InvalidInput, UnknownId
from streamrec.settings.reading import read_settings

app = typer.Typer(no_args_is_help=True, help="Compare variants on live traffic.")

ExperimentId = Annotated[str, typer.Argument(help="Of the experiment.", metavar="ID")]

app.command(name="off-policy")(off_policy)

_STORED_ALONE = (
    "era", "created_at", "changed_at", "stopped_at", "stopped_by", "reason", "verdict", "challenger",
)  # fmt: skip


@app.command()
def create(
    file: Annotated[Path, typer.Argument(help="The definition, as JSON or TOML.")],
    replace: Annotated[bool, typer.Option(help="Replace the one that is stored under its id.")] = False,
    run: Annotated[bool, typer.Option(help="Let it run at once, whatever state the file says.")] = False,
    url: RecommenderUrl = None,
    api_key: ApiKey = None,
) -> None:
    """Create an experiment from a file."""
    definition = definition_in(file)
    path = _path(str(definition.pop("id")))
    service = _service(url, api_key)
    if replace:
        definition["version"] = service.get(path)["definition"]["version"]
    if run:
        definition["state"] = "running"
    _say_stored(service.call("PUT", path, definition))


@app.command()
def ramp(
    experiment_id: ExperimentId,
    percent: Annotated[float, typer.Argument(min=0, max=100, help="Of its users, who take part.")],
    url: RecommenderUrl = None,
    api_key: ApiKey = None,
) -> None:
    """Let more users take part, or fewer; nobody changes to another variant."""
    _say_stored(_service(url, api_key).call("POST", f"{_path(experiment_id)}/ramp", {"percent": percent}))


@app.command()
def stop(
    experiment_id: ExperimentId,
    reason: Annotated[str, typer.Option(help="For those who read of it later.")] = "",
    url: RecommenderUrl = None,
    api_key: ApiKey = None,
) -> None:
    """Stop an experiment: within a second every server answers without it."""
    _say_stored(_service(url, api_key).call("POST", f"{_path(experiment_id)}/stop", {"reason": reason}))


@app.command()
def report(
    experiment_id: ExperimentId,
    as_json: Annotated[bool, typer.Option("--json", help="All of it, as the API tells it.")] = False,
    url: RecommenderUrl = None,
    api_key: ApiKey = None,
) -> None:
    """Show what came of an experiment so far; it may be looked at any time."""
    told = _service(url, api_key).get(_path(experiment_id))
    lines = [json.dumps(told, indent=2, ensure_ascii=False)] if as_json else report_lines(told)
    for line in lines:
        output.print(line, markup=False)


@app.command(name="list")
def list_all(url: RecommenderUrl = None, api_key: ApiKey = None) -> None:
    """Show all experiments."""
    told = _service(url, api_key).get("/v1/experiments")
    for one in told["experiments"]:
        names = ", ".join(variant["name"] for variant in one["variants"])
        output.print(
            f"{one['id']}  {one['state']}  {one['ramp']:g} % of layer {one['layer']}  {names}", markup=False
        )
    for id_, why in told.get("paused", {}).items():
        output.print(f"{id_}  is paused: {why}", markup=False)
    for id_, why in told["broken"].items():
        output.print(f"{id_}  can't be read: {why}", markup=False)
    if not told["experiments"] and not told["broken"]:
        output.print("There are no experiments", markup=False)


def definition_in(file: Path) -> dict[str, Any]:
    """Return the definition in a file, without what a server sets itself.

    Raises
    ------
    InvalidInput
        When the file can't be read as one.
    OSError
        When it can't be opened.
    """
    content = file.read_bytes()
    try:
        text = content.decode()
        definition = tomllib.loads(text) if file.suffix == ".toml" else json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"{file} can't be read as JSON or TOML: {error}") from error
    if not isinstance(definition, dict) or not isinstance(definition.get("id"), str):
        raise InvalidInput(f"{file} holds no definition: an object with an id, variants, control and primary")
    return {name: value for name, value in definition.items() if name not in _STORED_ALONE}


def _say_stored(stored: dict[str, Any]) -> None:
    say(
        f"Experiment {stored['id']} is {stored['state']}, version {stored['version']},"
        f" for {stored['ramp']:g} % of its users"
    )
    if stored["era"] == stored["version"] and stored["version"] > 1:
        say("What it counts begins anew: who takes part, what they see or how it is judged has changed")


def _path(experiment_id: str) -> str:
    if not experiment_id:
        raise UnknownId("an experiment's id is not empty")
    return f"/v1/experiments/{quoted(experiment_id)}"


def _service(url: str | None, api_key: str | None) -> Service:
    return Service(url or read_settings(PortSettings).recommender_url, api_key)
