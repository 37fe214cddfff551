"""`streamrec.toml`: which files hold the events and the items, how they are read, and what events weigh."""

import difflib
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec

from streamrec.datasets.file_options import FileOptions
from streamrec.datasets.files.event_files import EventFile
from streamrec.datasets.files.reading import Reading
from streamrec.domain.events.weights import USUAL_WEIGHTS, EventWeights
from streamrec.errors import Damaged, InvalidDataset
from streamrec.payload import decoded


def reading_with(told: FileOptions) -> Reading:
    """Return how a file is read.

    Raises
    ------
    InvalidDataset
        When that can't be.
    """
    return Reading(
        told.map,
        delimiter=told.delimiter,
        encoding=told.encoding,
        decimal=told.decimal,
        time_format=told.time_format,
        has_header=told.header,
        lists=told.lists,
    )


class ServeSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Options of `streamrec serve`, by their names; paths begin at the folder of the configuration."""

    port: int | None = None
    index_port: int | None = None
    bind: str | None = None
    workers: int | None = None
    log_dir: str | None = None
    keys_file: str | None = None
    admin_keys_file: str | None = None
    without: list[str] = []


class ConfigFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The contents of a `streamrec.toml`."""

    events: list[FileOptions] = []
    items: list[FileOptions] = []
    weights: dict[str, float] = {}
    serve: ServeSection = ServeSection()

    @property
    def all_weights(self) -> Mapping[str, float]:
        """Weights of events, the usual types included; none where the configuration says nothing."""
        return USUAL_WEIGHTS | self.weights if self.weights else {}


class ItemFile(NamedTuple):
    """A file of items, or a folder of parts, and how to read it."""

    path: Path
    reading: Reading


class OwnFiles(NamedTuple):
    """Files of events and of items, and what events weigh.

    Attributes
    ----------
    weights
        By type or rule, the usual ones included; none where the configuration says nothing.
    """

    events: list[EventFile]
    items: list[ItemFile]
    weights: Mapping[str, float]


def read_config(path: Path) -> OwnFiles:
    """Read a configuration.

    Raises
    ------
    InvalidDataset
        When it is none; the message names the key that is wrong, and the nearest one that there is.
    """
    config = read_sections(path)
    if not config.events and not config.items:
        raise InvalidDataset(f'{path} names no file: wanted a section [[events]] with file = "..."')
    folder = path.parent
    try:
        return OwnFiles(
            [EventFile(folder / section.file, reading_with(section)) for section in config.events],
            [ItemFile(folder / section.file, reading_with(section)) for section in config.items],
            config.all_weights,
        )
    except InvalidDataset as error:
        raise InvalidDataset(f"{path}: {error}") from error


def read_sections(path: Path) -> ConfigFile:
    """Read a configuration as it stands, whatever it names.

    Raises
    ------
    InvalidDataset
        As `read_config`.
    """
    try:
        given = decoded(tomllib.loads, path.read_text("utf-8"))
        config = msgspec.convert(given, ConfigFile)
        EventWeights(config.weights)
    except FileNotFoundError as error:
        raise InvalidDataset(f"there is no {path}; `streamrec init FILE...` writes one") from error
    except (OSError, ValueError, Damaged) as error:
        raise InvalidDataset(f"{path}: {error}{_nearest(str(error))}") from error
    return config


def _nearest(message: str) -> str:
    """Return what an unknown key was perhaps meant to be."""
    unknown = re.search(r"unknown field `(.*?)`", message)
    if unknown is None:
        return ""
    sections = (FileOptions, ConfigFile, ServeSection)
    known = [field for section in sections for field in section.__struct_fields__]
    near = difflib.get_close_matches(unknown[1], known, 1, 0.5)
    return f"; perhaps {near[0]!r} was meant" if near else f"; known are {', '.join(known)}"
