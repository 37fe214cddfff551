"""The Dockerfile, stage by stage: what an image of each target holds, runs and says of itself."""

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path
from typing import Any

from dockerfile_parse import DockerfileParser

ROOT = Path(__file__).parents[2]

_SYSTEM_PATH = "/usr/local/bin:/usr/local/sbin:/usr/bin:/usr/sbin:/bin:/sbin"


@dataclass(frozen=True)
class Copy:
    """Sources, of the build's context or of another stage, and where they go."""

    sources: tuple[str, ...]
    destination: str
    stage: str | None
    owner: str | None


@dataclass(frozen=True)
class Stage:
    """A stage with all that it inherits from those before it."""

    image: str
    env: dict[str, str] = field(default_factory=lambda: {"PATH": _SYSTEM_PATH})
    copies: tuple[Copy, ...] = ()
    runs: tuple[str, ...] = ()
    workdir: str = "/"
    user: str = "root"
    stop_signal: str = "SIGTERM"
    command: list[str] | None = None
    healthcheck: list[str] | None = None

    @property
    def requirements(self) -> list[str]:
        """Return the requirements files that pip is given; for a lock, those that it is made of."""
        given = [name for run in self.runs for name in re.findall(r"-r (\S+)", run)]
        return [name for file in given for name in _unlocked(file)]


def _unlocked(file: str) -> list[str]:
    image = file.removeprefix("requirements/locked/")
    return [file] if image == file else [f"requirements/{image}", "requirements-confluent.txt"]


def stages() -> dict[str, Stage]:
    """Return every stage by name."""
    found: dict[str, Stage] = {}
    name = ""
    for instruction, value in _instructions():
        if instruction == "FROM":
            image, _, name = value.split()
            found[name] = found.get(image, Stage(image))
        elif instruction in _READERS:
            found[name] = replace(found[name], **_READERS[instruction](found[name], value))
    return found


def images() -> list[str]:
    """Return the images that stages start from, without those of the file itself."""
    names = [value.split() for instruction, value in _instructions() if instruction == "FROM"]
    return [words[0] for words in names if words[0] not in {other[-1] for other in names}]


def _instructions() -> Iterator[tuple[str, str]]:
    content = (ROOT / "Dockerfile").read_bytes()
    for entry in DockerfileParser(fileobj=BytesIO(content)).structure:
        yield entry["instruction"], entry["value"]


def _env(stage: Stage, value: str) -> dict[str, Any]:
    pairs = dict(word.split("=", 1) for word in shlex.split(value))
    added = {key: text.replace("$PATH", stage.env["PATH"]) for key, text in pairs.items()}
    return {"env": {**stage.env, **added}}


def _copy(stage: Stage, value: str) -> dict[str, Any]:
    words = shlex.split(value)
    flags = dict(word[2:].split("=", 1) for word in words if word.startswith("--"))
    *sources, destination = [word for word in words if not word.startswith("--")]
    copy = Copy(tuple(sources), destination, flags.get("from"), flags.get("chown"))
    return {"copies": (*stage.copies, copy)}


def _healthcheck(_stage: Stage, value: str) -> dict[str, Any]:
    _options, _, command = value.partition("CMD ")
    return {"healthcheck": json.loads(command) if command else None}


_READERS = {
    "ENV": _env,
    "COPY": _copy,
    "RUN": lambda stage, value: {"runs": (*stage.runs, value)},
    "WORKDIR": lambda _, value: {"workdir": value},
    "USER": lambda _, value: {"user": value},
    "STOPSIGNAL": lambda _, value: {"stop_signal": value},
    "CMD": lambda _, value: {"command": json.loads(value)},
    "HEALTHCHECK": _healthcheck,
}
