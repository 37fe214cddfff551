"""Reading settings from the environment, with our own error for those that are wrong."""

from typing import TypeVar

from pydantic import ValidationError
from pydantic_settings import BaseSettings

from streamrec.errors import ConfigurationError

SettingsT = TypeVar("SettingsT", bound=BaseSettings)


def read_settings(settings: type[SettingsT]) -> SettingsT:
    """Read settings from the environment.

    Raises
    ------
    ConfigurationError
        Naming the variable that is wrong.
    """
    try:
        return settings()
    except ValidationError as error:
        prefix = _prefix_of(error.title, settings)
        wrong = [f"{prefix}{'_'.join(map(str, e['loc']))}".upper() + f": {e['msg']}" for e in error.errors()]
        raise ConfigurationError("; ".join(wrong)) from error


def _prefix_of(name: str, settings: type[BaseSettings]) -> str:
    """Return the prefix of the settings of this name: these, or a group in them that has its own."""
    groups = [field.annotation for field in settings.model_fields.values()]
    prefixes = {
        group.__name__: group.model_config.get("env_prefix", "")
        for group in (settings, *groups)
        if isinstance(group, type) and issubclass(group, BaseSettings)
    }
    return prefixes[name]
