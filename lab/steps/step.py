"""Description of a step, and what it is given when it runs."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import msgspec

from lab.configuration.lab_settings import LabSettings


class Bar(Protocol):
    """Opener of a progress bar, as `streamrec.cli.screen.progress_bar`."""

    def __call__(
        self, description: str, total: int | None = None
    ) -> AbstractContextManager[Callable[[int], None]]:
        """Yield the function that moves the bar to a number of things done."""


class Outcome(msgspec.Struct, frozen=True):
    """Result of a step beside its files.

    Attributes
    ----------
    metrics
        Whatever numbers people want to see of it; they stand in the manifest.
    findings
        Checks that failed, a line each: shown, and an error with ``--strict``.
    """

    metrics: Mapping[str, Any]
    findings: Sequence[str] = ()


@dataclass(frozen=True)
class StepRun:
    """Surroundings of one run of a step.

    Attributes
    ----------
    settings
        The whole configuration; a step reads the sections that it declares, and no other.
    output
        Folder to write to, empty; it is put in place when the step is done.
    inputs
        Name of each declared input -> its folder.
    bar
        Opens a progress bar.
    say
        Shows a line.
    """

    settings: LabSettings
    output: Path
    inputs: Mapping[str, Path]
    bar: Bar
    say: Callable[[str], None]


def _no_sources(settings: LabSettings) -> Mapping[str, str]:
    del settings
    return {}


@dataclass(frozen=True)
class Step:
    """One step.

    Attributes
    ----------
    name
        The command, and the make target.
    title
        A line for people.
    output
        Name of the folder that it makes, unique among the steps.
    sections
        Dotted names of the sections, or keys, of `lab.toml` that it reads: when one of them changes, its
        output is out of date.
    run
        Does the work. Heavy packages are imported within, so that other commands start at once.
    inputs
        Names of the folders that it reads.
    sources
        Name -> hash of whatever else it reads.
    """

    name: str
    title: str
    output: str
    sections: tuple[str, ...]
    run: Callable[[StepRun], Outcome]
    inputs: tuple[str, ...] = ()
    sources: Callable[[LabSettings], Mapping[str, str]] = _no_sources
