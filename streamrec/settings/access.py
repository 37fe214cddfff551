"""Settings of who may use the services."""

from pathlib import Path

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from streamrec.settings.home_folder import home_expanded


class AccessSettings(BaseSettings):
    """Files of keys."""

    model_config = SettingsConfigDict(env_prefix="STREAMREC_", frozen=True, extra="ignore")

    api_keys_file: Path | None = Field(None, description="A key a line, with its scopes; none: it is open.")
    admin_keys_file: Path | None = Field(
        None, description="Keys of everything; the other's are of less then."
    )

    _keys_at_home = field_validator("api_keys_file", "admin_keys_file", mode="before")(home_expanded)
