"""Options of `serve`: of the command line, else of the configuration, else of the environment."""

import os
from pathlib import Path
from typing import NamedTuple, TypeVar

from streamrec.cli.choices import PortSettings
from streamrec.cli.files.options import config_for, learn_by
from streamrec.datasets.config_file import ServeSection, read_sections
from streamrec.errors import InvalidInput
from streamrec.settings.reading import read_settings

T = TypeVar("T")

PARTS = ("index", "recommender", "trainer", "history", "attribution")
"""Parts that may be left out, for they run elsewhere."""


class Given(NamedTuple):
    """Options of the command line; None where one is not given."""

    port: int | None
    index_port: int | None
    bind: str | None
    workers: int | None
    log_dir: Path | None
    keys_file: Path | None
    admin_keys_file: Path | None
    without: list[str]


class ServeOptions(NamedTuple):
    """Options of a system that is served.

    Attributes
    ----------
    log_dir
        Where each part gets a file; None: all lines go to standard output.
    without
        Parts that run elsewhere.
    n_files
        Of events, which the configuration names.
    """

    ports: PortSettings
    bind: str
    n_workers: int
    log_dir: Path | None
    without: frozenset[str]
    n_files: int


def settled(given: Given, config: Path | None) -> ServeOptions:
    """Return what the options settle, and put into the environment what the parts read there.

    Raises
    ------
    InvalidInput, InvalidDataset, ConfigurationError
        When one of them can't be.
    """
    path = config_for(config)
    section, n_files = ServeSection(), 0
    if path is not None:
        sections = read_sections(path)
        section, n_files = sections.serve, len(sections.events)
        learn_by(sections.all_weights)
    folder = Path() if path is None else path.parent
    for variable, chosen, configured in (
        ("STREAMREC_API_KEYS_FILE", given.keys_file, section.keys_file),
        ("STREAMREC_ADMIN_KEYS_FILE", given.admin_keys_file, section.admin_keys_file),
    ):
        if (file := chosen or (configured and folder / configured)) is not None:
            os.environ[variable] = str(file)
    environment = read_settings(PortSettings)
    n_workers = _first(given.workers, section.workers, 1)
    if n_workers < 1:
        raise InvalidInput(f"{path}: workers must be at least 1")
    return ServeOptions(
        ports=PortSettings(
            recommender_port=_port(_first(given.port, section.port, environment.recommender_port)),
            index_port=_port(_first(given.index_port, section.index_port, environment.index_port)),
        ),
        bind=_bracketed(_first(given.bind, section.bind, "127.0.0.1")),
        n_workers=n_workers,
        log_dir=given.log_dir or (None if section.log_dir is None else folder / section.log_dir),
        without=_left_out([*given.without, *section.without]),
        n_files=n_files,
    )


def _first(given: T | None, configured: T | None, otherwise: T) -> T:
    if given is not None:
        return given
    return otherwise if configured is None else configured


def _bracketed(address: str) -> str:
    """Return an address as it stands before a port."""
    return f"[{address}]" if ":" in address and not address.startswith("[") else address


def _port(number: int) -> int:
    if not 0 < number < 65_536:
        raise InvalidInput(f"a port is a number from 1 to 65535, not {number}")
    return number


def _left_out(names: list[str]) -> frozenset[str]:
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        raise InvalidInput(f"there is no part {unknown[0]!r} to leave out; there are {', '.join(PARTS)}")
    return frozenset(names)
