"""Settings of retention, read from the environment as all settings are."""

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt
from pydantic_settings import BaseSettings, SettingsConfigDict


class RetentionSettings(BaseSettings):
    """Times for which things are kept that nobody needs any more; a trainer's process removes them."""

    model_config = SettingsConfigDict(env_prefix="STREAMREC_RETENTION_", frozen=True, extra="ignore")

    interval_s: PositiveFloat = Field(60.0, description="Between two rounds of removing.")
    log_age_s: PositiveFloat = Field(
        30 * 86_400.0, description="SQLite: what was learned and is older goes from the logs. Kafka: its own."
    )
    log_bytes: PositiveInt = Field(
        1_000_000_000, description="SQLite: beyond it what was learned goes from the logs, oldest first."
    )
    tombstone_age_s: PositiveFloat = Field(
        7 * 86_400.0,
        description="SQLite: so long it is remembered what was deleted; see limits.md.",
    )
    seen_of_user: PositiveInt = Field(
        10_000, description="Newest seen items kept of a user; more than are excluded."
    )
    n_old_generations: NonNegativeInt = Field(2, description="Generations without a role that are kept.")
    least_generation_age_s: NonNegativeFloat = Field(3600.0, description="No younger generation is removed.")
