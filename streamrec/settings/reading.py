"""Reading settings from the environment, with our own error for those that are wrong or unknown."""

import difflib
import os
import re
from typing import TypeVar

from pydantic import ValidationError
from pydantic_settings import BaseSettings

from streamrec.errors import ConfigurationError
from streamrec.faults import points

SettingsT = TypeVar("SettingsT", bound=BaseSettings)

PREFIX = "STREAMREC_"

GROUPS = (
    "ATTRIBUTION_",
    "COHORTS_",
    "COVISITATION_",
    "HISTORY_",
    "INDEX_",
    "LEARNING_",
    "RETENTION_",
    "SERVER_",
    "TRAINER_",
)
"""Prefixes behind ours of settings that some processes read and others pass over."""

NO_SETTINGS = frozenset(
    f"{PREFIX}{name}"
    for name in ("API_KEY", "FAULT", "FUZZ_S", "PAGE_TIMEOUT_MS", "REQUIRE_SERVERS", "VERSION")
)
"""Variables that commands, tests and the composition of containers read."""

# What Kubernetes tells of a service that is called streamrec, or streamrec-something.
_OF_CLUSTER = re.compile(r"_(SERVICE_(HOST|PORT)(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_\w+)?)?)")


def read_settings(settings: type[SettingsT]) -> SettingsT:
    """Read settings from the environment, and arm the fault that a test names there.

    Raises
    ------
    ConfigurationError
        Naming the variable that is wrong, or that nobody reads.
    """
    _refuse_unknown()
    points.arm(os.environ.get(f"{PREFIX}FAULT", ""))
    try:
        return settings()
    except ValidationError as error:
        prefix = _prefix_of(error.title, settings)
        wrong = [f"{prefix}{'_'.join(map(str, e['loc']))}".upper() + f": {e['msg']}" for e in error.errors()]
        raise ConfigurationError("; ".join(wrong)) from error


def _refuse_unknown() -> None:
    """Look for variables with our prefix that no settings have: a typing error would else change nothing."""
    known = known_variables()
    loaded = set(map(_group_of, known))
    for name in sorted(os.environ):
        written = name.upper()
        if not written.startswith(PREFIX) or written in known or _OF_CLUSTER.search(written):
            continue
        group = _group_of(written)
        if group in GROUPS and group not in loaded:
            continue  # of a process that has read its program
        near = difflib.get_close_matches(written, known - NO_SETTINGS, 1, 0.7)
        hint = (
            f"; perhaps {near[0]} was meant"
            if near
            else "; docs/reference/commands.md says where settings stand"
        )
        raise ConfigurationError(f"there is no setting {name}{hint}")


def _group_of(variable: str) -> str:
    """Return the first word behind our prefix, as it stands in `GROUPS`."""
    return variable.removeprefix(PREFIX).partition("_")[0] + "_"


def known_variables() -> frozenset[str]:
    """Return the variables of all settings of the programs that this process has read."""
    found, classes = set(NO_SETTINGS), [BaseSettings]
    while classes:
        for settings in classes.pop().__subclasses__():
            classes.append(settings)
            prefix = settings.model_config.get("env_prefix", "")
            if prefix.startswith(PREFIX):
                found |= {f"{prefix}{name}".upper() for name in settings.model_fields}
    return frozenset(found)


def _prefix_of(name: str, settings: type[BaseSettings]) -> str:
    """Return the prefix of the settings of this name: these, or a group in them that has its own."""
    groups = [field.annotation for field in settings.model_fields.values()]
    prefixes = {
        group.__name__: group.model_config.get("env_prefix", "")
        for group in (settings, *groups)
        if isinstance(group, type) and issubclass(group, BaseSettings)
    }
    return prefixes[name]
