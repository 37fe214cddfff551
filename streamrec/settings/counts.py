"""Settings of what the trainer counts beside the model."""

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt
from pydantic_settings import BaseSettings, SettingsConfigDict

from streamrec.domain.users.cohorts import CohortRules


class CoVisitationSettings(BaseSettings):
    """Settings of co-visitation: items that are chosen together become neighbours."""

    model_config = SettingsConfigDict(env_prefix="STREAMREC_COVISITATION_", frozen=True, extra="ignore")

    n_kept: PositiveInt = Field(256, multiple_of=8, description="Neighbours counted per item; 12 bytes each.")
    history_length: PositiveInt = Field(20, description="Last distinct items that an event is paired with.")
    distance_decay: float = Field(0.9, gt=0, le=1, description="A pair's weight, per item between the two.")
    shrinkage: NonNegativeFloat = Field(10.0, description="Pairs seen less often than this prove little.")
    half_life_s: PositiveFloat | None = Field(
        365 * 86_400.0, description="Seconds of stream time until counts are worth half; none: no fading."
    )
    same_day_items: NonNegativeInt = Field(
        50, description="Items of a user's day (UTC) that are paired; 0: same days are not counted."
    )
    n_published: PositiveInt = Field(100, description="Neighbours of an item in the hot cache.")
    max_published_items: PositiveInt = Field(200, description="Items in one publication at most.")
    publish_share: float = Field(0.1, gt=0, le=1, description="Of the time, spent on publishing at most.")
    refresh_interval_s: PositiveFloat = Field(300.0, description="A cache that was emptied is full after it.")


class CohortSettings(BaseSettings):
    """Settings of cohorts: what people with an attribute in common choose is offered to others with it."""

    model_config = SettingsConfigDict(
        env_prefix="STREAMREC_COHORTS_", frozen=True, extra="ignore", allow_inf_nan=False
    )

    attributes: frozenset[str] = Field(
        frozenset(), description="Names of users' attributes that count (JSON); none: all do."
    )
    max_cohorts: PositiveInt = Field(200, le=10_000, description="Kept at most: the least active go.")
    least_people: PositiveInt = Field(
        10, le=1000, description="A cohort of fewer, who chose something, shows nothing of what they chose."
    )
    half_life_s: PositiveFloat = Field(
        30 * 86_400.0, description="Seconds of stream time until counts are worth half."
    )

    @property
    def rules(self) -> CohortRules:
        """Rules that the trainer counts by."""
        return CohortRules(self.attributes, self.max_cohorts, self.half_life_s, self.least_people)
