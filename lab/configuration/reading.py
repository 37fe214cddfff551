"""Reading of `lab.toml` and ``--set section.key=value``; errors name the key, its value and the way out."""

import difflib
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

import msgspec

from lab.configuration.lab_settings import LabSettings
from streamrec.errors import ConfigurationError, Damaged
from streamrec.payload import decoded

DEFAULT_FILE = Path("lab.toml")

_PLACE = re.compile(r" - at `\$\.?(.*)`$")
_UNKNOWN = re.compile(r"unknown field `(.*?)`")


def read_lab_settings(path: Path | None = None, overrides: Sequence[str] = ()) -> LabSettings:
    """Read a configuration, and set what is set on the command line.

    Parameters
    ----------
    path
        A file, which has to be there. None: `lab.toml` of the working folder if there is one, else the
        defaults.
    overrides
        ``section.key=value`` each, the value in TOML; what is no TOML is a text.

    Raises
    ------
    ConfigurationError
        Naming the file or the option, the key, what is wrong with it, and the nearest key there is.

    >>> read_lab_settings(overrides=["generator.n_users=7", "models.trained=['als']"]).generator.n_users
    7
    """
    given = _read(path)
    origin = "the defaults" if given is None else str(path or DEFAULT_FILE)
    settings = _convert(given or {}, origin)
    # On top of all values, defaults included: a key of a table is set without the table's others.
    told = msgspec.to_builtins(settings)
    for override in overrides:
        _override(told, override)
    return _convert(told, "--set")


def all_keys(of: type[msgspec.Struct] = LabSettings, prefix: str = "") -> Iterator[str]:
    """Yield the dotted names of all keys, sections left out.

    >>> next(all_keys())
    'data.dataset'
    """
    for field in msgspec.structs.fields(of):
        if isinstance(field.type, type) and issubclass(field.type, msgspec.Struct):
            yield from all_keys(field.type, f"{prefix}{field.name}.")
        else:
            yield f"{prefix}{field.name}"


def value_of(settings: msgspec.Struct, key: str) -> object:
    """Return the value of a dotted key."""
    value: object = settings
    for part in key.split("."):
        value = getattr(value, part)
    return value


def _read(path: Path | None) -> dict[str, Any] | None:
    wanted = DEFAULT_FILE if path is None else path
    try:
        return decoded(tomllib.loads, wanted.read_text("utf-8"))
    except FileNotFoundError as error:
        if path is None:
            return None
        raise ConfigurationError(f"there is no {path}; without --config the defaults are taken") from error
    except (OSError, UnicodeDecodeError, Damaged) as error:
        raise ConfigurationError(f"{wanted} can't be read: {error}") from error


def _convert(given: Mapping[str, Any], origin: str) -> LabSettings:
    try:
        return msgspec.convert(given, LabSettings)
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"{origin}: {_told(given, str(error))}") from error


def _told(given: Mapping[str, Any], message: str) -> str:
    """Return a message of msgspec with the key in our notation, and its value or the nearest key."""
    place = _PLACE.search(message)
    key = place[1] if place else ""
    what = message[: place.start()] if place else message
    unknown = _UNKNOWN.search(what)
    if unknown is not None:
        return _unknown_key(f"{key}.{unknown[1]}".lstrip("."))
    if what.startswith("Invalid enum value"):
        what = f"wanted one of {', '.join(get_args(_type_of(key)))}"
    what = what.replace("`object`", "a section")
    return f"{key}{_shown(given, key)}: {what[:1].lower()}{what[1:]}"


def _type_of(key: str) -> object:
    """Return the type of a key."""
    found: Any = LabSettings
    for part in key.split("."):
        found = next(field.type for field in msgspec.structs.fields(found) if field.name == part)
    return found


def _shown(given: Mapping[str, Any], key: str) -> str:
    """Return `` = value`` of a key that holds a single value or a list; a section would only hide it."""
    value: Any = given
    for part in re.findall(r"[^.\[\]]+", key):
        if isinstance(value, Mapping) and part in value:
            value = value[part]
    return "" if isinstance(value, Mapping) and "[...]" not in key else f" = {value!r}"


def _unknown_key(key: str) -> str:
    known = list(all_keys())
    sections = {name.rpartition(".")[0] for name in known}
    near = difflib.get_close_matches(key, [*known, *sorted(sections)], 1, 0.6)
    if not near:
        # The right name in another section, or none.
        last = key.rpartition(".")[2]
        near = [name for name in known if name.rpartition(".")[2] == last][:1]
    hint = f"; perhaps {near[0]} was meant" if near else f"; sections are {', '.join(sorted(sections))}"
    return f"there is no key {key}{hint}"


def _override(given: dict[str, Any], override: str) -> None:
    key, is_told, written = override.partition("=")
    parts = key.strip().split(".")
    if not is_told or not all(parts):
        raise ConfigurationError(f"--set {override!r}: wanted section.key=value")
    section = given
    for part in parts[:-1]:
        section = section.setdefault(part, {})
        if not isinstance(section, dict):
            raise ConfigurationError(f"--set {override!r}: {_unknown_key(key.strip())}")
    section[parts[-1]] = _value(written.strip())


def _value(written: str) -> object:
    try:
        parsed = decoded(tomllib.loads, f"value = {written}")
    except Damaged as error:
        if written[:1] in {"[", "{"}:
            raise ConfigurationError(f"--set: {written} is no TOML: {error}") from error
        return _number_or_text(written)
    return parsed["value"] if list(parsed) == ["value"] else written


def _number_or_text(written: str) -> float | str:
    """Return a number that TOML does not take, as ``.5``, or the text."""
    try:
        return float(written)
    except ValueError:
        return written
