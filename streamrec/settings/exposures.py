"""Settings of what is written down of lists that were shown."""

from typing import Literal

from pydantic import Field, NonNegativeFloat
from pydantic_settings import BaseSettings, SettingsConfigDict


class ExposureSettings(BaseSettings):
    """Settings of the topic `impressions`, for whoever writes it."""

    model_config = SettingsConfigDict(env_prefix="STREAMREC_", frozen=True, extra="ignore")

    exposures: Literal["experiments", "all", "none"] = Field(
        "experiments",
        description="Lists that are written to the topic impressions: of users in an experiment, all that are"
        " made for a user, or none.",
    )
    exposures_wait_s: NonNegativeFloat = Field(
        0.0,
        allow_inf_nan=False,
        description="An answer whose list is written down waits so long at most until the log has it, so that"
        " a recommender that is killed loses no list that anybody saw; 0: it waits for no log.",
    )
