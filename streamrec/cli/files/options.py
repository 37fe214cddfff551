"""Options that say which files are read and how: the same for all commands."""

import functools
import inspect
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from streamrec.cli.files.reading_options import READING_OPTIONS, reading_of
from streamrec.cli.files.standard_input import named
from streamrec.datasets.config_file import ItemFile, OwnFiles, read_config
from streamrec.datasets.file_options import CONFIG_NAME
from streamrec.datasets.files.event_files import EventFile
from streamrec.datasets.files.reading import AS_IT_STANDS, Reading
from streamrec.datasets.named import ML_100K
from streamrec.errors import InvalidInput

WEIGHTS_VARIABLE = "STREAMREC_TRAINER_EVENT_WEIGHTS"

Command = Callable[..., None]

DatasetName = Annotated[str | None, typer.Option(help=f"A data set by name: {ML_100K}.")]

_FILES: dict[str, tuple[object, object]] = {
    "dataset": (DatasetName, None),
    "events": (
        Annotated[
            Path | None,
            typer.Option(help="A CSV, JSON Lines or Parquet file, packed or not, a folder of parts, or -."),
        ],
        None,
    ),
    "items": (
        Annotated[Path | None, typer.Option(help="Metadata of the items, a file as load-items reads it.")],
        None,
    ),
    "config": (
        Annotated[
            Path | None,
            typer.Option(
                help=f"What `init` wrote; by default {CONFIG_NAME}, if it is here.", show_default=False
            ),
        ],
        None,
    ),
}


class Chosen(NamedTuple):
    """Events and items that the options choose: a data set by name, or files."""

    dataset: str | None
    files: OwnFiles | None


def takes_reading(command: Command) -> Command:
    """Give a command whose parameter is `reading` the options that make one."""
    return _taking(command, "reading", READING_OPTIONS, reading_of)


def takes_files(command: Command) -> Command:
    """Give a command whose parameter is `chosen` the options that choose events and items."""
    return _taking(command, "chosen", _FILES | READING_OPTIONS, _chosen)


def _chosen(
    dataset: str | None,
    events: Path | None,
    items: Path | None,
    config: Path | None,
    **how: Any,  # noqa: ANN401 - see `reading_of`
) -> Chosen:
    """Return what the options choose.

    Raises
    ------
    InvalidInput
        When they choose nothing, or more than one thing.
    """
    reading = reading_of(**how)
    config = config_for(config, dataset, events)
    if sum(one is not None for one in (dataset, events, config)) > 1:
        raise InvalidInput(f"give one of --dataset (for example {ML_100K}), --events FILE and --config FILE")
    if config is not None:
        refuse_reading_of(config, reading, "name --events FILE")
        files = read_config(config)
    elif events is not None:
        files = OwnFiles([EventFile(named(events), reading)], [], {})
    else:
        return Chosen(dataset, None if items is None else OwnFiles([], [_of_items(items, reading)], {}))
    if items is not None:
        files = files._replace(items=[_of_items(items, reading)])
    learn_by(files.weights)
    return Chosen(dataset, files)


def config_for(config: Path | None, *others: object) -> Path | None:
    """Return the configuration that is given; where nothing is, that of this folder, if it has one."""
    is_given = any(one is not None for one in (config, *others))
    return Path(CONFIG_NAME) if not is_given and Path(CONFIG_NAME).is_file() else config


def learn_by(weights: Mapping[str, float]) -> None:
    """Let whoever starts from here learn by these weights, if there are any; a variable that is set wins."""
    if weights:
        os.environ.setdefault(WEIGHTS_VARIABLE, json.dumps(weights))


def refuse_reading_of(config: Path, reading: Reading, instead: str) -> None:
    """Look for options of reading beside a configuration, which has its own.

    Parameters
    ----------
    instead
        What to do for these to count.

    Raises
    ------
    InvalidInput
        When there are any.
    """
    if reading != AS_IT_STANDS:
        raise InvalidInput(f"{config} says how its files are read: change it there, or {instead}")


def _of_items(path: Path, reading: Reading) -> ItemFile:
    """Return a file of items that is written as that of the events is, with columns of its own."""
    how = Reading(
        delimiter=reading.delimiter, encoding=reading.encoding, decimal=reading.decimal, lists=reading.lists
    )
    return ItemFile(named(path), how)


def _taking(
    command: Command,
    parameter: str,
    options: Mapping[str, tuple[object, object]],
    build: Callable[..., object],
) -> Command:
    """Put options in the place of a parameter, which is built of them."""
    signature = inspect.signature(command)
    shared = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
        for name, (annotation, default) in options.items()
    ]
    own = [
        one.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for one in signature.parameters.values()
        if one.name != parameter
    ]

    @functools.wraps(command)
    def taking(**given: Any) -> None:  # noqa: ANN401 - as the options are
        built = build(**{name: given.pop(name, default) for name, (_, default) in options.items()})
        command(**{parameter: built}, **given)

    taking.__signature__ = signature.replace(parameters=[*shared, *own])  # type: ignore[attr-defined]
    taking.__annotations__ = {one.name: one.annotation for one in (*shared, *own)}
    return taking
