"""Settings of who may use the services."""

import ipaddress
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from streamrec.errors import ConfigurationError
from streamrec.settings.home_folder import home_expanded
from streamrec.settings.key_file import keys_in

KeysOf = Literal["api_keys_file", "index_keys_file"]
"""Setting that names the keys of a service: of the recommender, or of the index."""


class AccessSettings(BaseSettings):
    """Files of keys, and what goes without them."""

    model_config = SettingsConfigDict(env_prefix="STREAMREC_", frozen=True, extra="ignore")

    api_keys_file: Path | None = Field(None, description="A key a line, with its scopes; none: it is open.")
    admin_keys_file: Path | None = Field(None, description="Keys of all; the other's are of less then.")
    index_keys_file: Path | None = Field(
        None, description="Keys that the index takes; who asks it sends the first. None: it is open."
    )
    allow_open: bool = Field(False, description="Without keys, listen beyond this machine nevertheless.")

    _keys_at_home = field_validator("api_keys_file", "admin_keys_file", "index_keys_file", mode="before")(
        home_expanded
    )

    def check(self, keys_of: KeysOf, hosts: Iterable[str]) -> None:
        """Return where a service may listen on these addresses.

        Raises
        ------
        ConfigurationError
            When a file of its keys can't be read, or there is none where others than this machine come.
        """
        own: Path | None = getattr(self, keys_of)
        of_admins = self.admin_keys_file if keys_of == "api_keys_file" else None
        for file in (own, of_admins):
            if file is not None:
                keys_in(file)
        beyond = next((host for host in hosts if not is_loopback(host)), None)
        if own is None and beyond is not None and not self.allow_open:
            raise ConfigurationError(
                f"without keys everybody who reaches {beyond} could do everything: let"
                f" STREAMREC_{keys_of.upper()} name a file with one key a line, such as"
                " `openssl rand -hex 24` makes; or listen on 127.0.0.1; or, where something else keeps others"
                " out, set STREAMREC_ALLOW_OPEN=1"
            )


class RateSettings(BaseSettings):
    """Limits of requests, in each process of the recommender."""

    model_config = SettingsConfigDict(
        env_prefix="STREAMREC_SERVER_", frozen=True, extra="ignore", allow_inf_nan=False
    )

    rate_per_key: NonNegativeFloat = Field(0.0, description="Requests a second of each key; 0: any number.")
    rate_per_address: NonNegativeFloat = Field(0.0, description="The same, of each address.")
    rate_burst_s: PositiveFloat = Field(10.0, description="Seconds whose requests may come at once.")


def is_loopback(host: str) -> bool:
    """Return whether an address leads to this machine alone.

    >>> is_loopback("127.0.0.1"), is_loopback("[::1]"), is_loopback("localhost"), is_loopback("0.0.0.0")
    (True, True, True, False)
    """
    bare = host.strip("[]")
    if bare == "localhost":
        return True
    try:
        return ipaddress.ip_address(bare).is_loopback
    except ValueError:
        return False
