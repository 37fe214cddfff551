"""Settings of the process that attributes events to lists that were shown."""

from pydantic import Field, PositiveFloat, PositiveInt
from pydantic_settings import BaseSettings, SettingsConfigDict

PURCHASE_TYPES = frozenset({"purchase", "order", "buy"})


class AttributionSettings(BaseSettings):
    """Settings of the attribution: who clicked on which list, and what came of experiments."""

    model_config = SettingsConfigDict(
        env_prefix="STREAMREC_ATTRIBUTION_", frozen=True, extra="ignore", allow_inf_nan=False
    )

    purchase_types: frozenset[str] = Field(
        PURCHASE_TYPES,
        description="Types of events that are purchases (JSON). All others of a positive weight are clicks.",
    )
    click_types: frozenset[str] = Field(
        frozenset(),
        description="Types of events that are clicks (JSON); none: all of a positive weight but purchases.",
    )
    settle_s: PositiveFloat = Field(
        10.0,
        description="Records wait so long for those that were written before them. A list that is appended"
        " later than four tenths of it after it was shown counts as shown then.",
    )
    max_waiting: PositiveInt = Field(500_000, description="Records that wait at most.")
    max_lists: PositiveInt = Field(200_000, description="Lists that may still be answered, at most.")
    max_users: PositiveInt = Field(
        500_000, description="Users of an experiment whose outcome is open, and who are done, at most."
    )
    max_rates: PositiveInt = Field(
        200_000, description="Users whose rate before the first exposure is known: those silent longest go."
    )
    max_batch: PositiveInt = Field(10_000, description="Records taken in in one step at most.")
    round_s: PositiveFloat = Field(0.1, description="Processor time of a step, about.")
    poll_timeout_s: PositiveFloat = 0.05
    definitions_interval_s: PositiveFloat = Field(1.0, description="Definitions are read again so often.")
    results_interval_s: PositiveFloat = Field(2.0, description="Results that changed are written so often.")
    results_share: float = Field(0.2, gt=0, le=1, description="Of the time, spent on results at most.")
    status_interval_s: PositiveFloat = Field(1.0, description="Gauges, so often.")
    checkpoint_interval_s: PositiveFloat = 30.0
    lease_duration_s: PositiveFloat = Field(30.0, description="A standby takes over a third later at most.")
    dedupe_window: PositiveInt = Field(100_000, description="Event ids remembered, to drop repeats.")
    health_address: str | None = Field(None, description="host:port of /health/live and /health/ready.")
