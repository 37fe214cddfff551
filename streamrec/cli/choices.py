"""Options and settings that several commands share."""

from typing import Annotated

import typer
from pydantic_settings import BaseSettings, SettingsConfigDict

RecommenderUrl = Annotated[
    str | None, typer.Option("--url", help="The recommender service; by default on this machine.")
]
ApiKey = Annotated[
    str | None, typer.Option(envvar="STREAMREC_API_KEY", help="Sent along where the service asks for one.")
]


class PortSettings(BaseSettings):
    """Ports that the services of this machine listen on."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    recommender_port: int = 8000
    index_port: int = 8100

    @property
    def recommender_url(self) -> str:
        """The recommender's address."""
        return f"http://127.0.0.1:{self.recommender_port}"

    @property
    def index_url(self) -> str:
        """The index server's address."""
        return f"http://127.0.0.1:{self.index_port}"
