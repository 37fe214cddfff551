"""Settings, read from the environment (prefix ``STREAMREC_``); only composition roots build them.

A URL's scheme picks the adapter. With nothing set, everything is embedded: SQLite files under ``var/``.
"""

import os
from pathlib import Path
from typing import Annotated

from pydantic import (
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    StringConstraints,
    field_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from streamrec.domain.bars.bar import MAX_WINDOW
from streamrec.domain.events.weights import USUAL_WEIGHTS, EventWeights
from streamrec.domain.items.content_tokens import DEFAULT_FIELDS, ContentField
from streamrec.domain.items.exploration import ExplorationBy
from streamrec.domain.popularity.window import EVENTS_PATTERN
from streamrec.domain.similarity.like_order import OrderName
from streamrec.domain.users.user import MOST_DISLIKED
from streamrec.redaction import shown_url
from streamrec.settings.access import AccessSettings, RateSettings
from streamrec.settings.counts import CohortSettings
from streamrec.settings.counts import CoVisitationSettings as CoVisitationSettings
from streamrec.settings.exposures import ExposureSettings as ExposureSettings
from streamrec.settings.home_folder import home_expanded
from streamrec.settings.learning import LearningSettings as LearningSettings
from streamrec.settings.learning import Weight

EventCount = Annotated[str, StringConstraints(pattern=EVENTS_PATTERN)]

WindowName = Annotated[str, StringConstraints(pattern="^[^:]+$")]
"""Without a colon: what follows the first one in a ranking's name is a category."""


def variables_of(shown: str, *candidates: str) -> str:
    """Return which of the environment's variables hold a URL that is shown like this; else the first of them.

    >>> variables_of("kafka://nowhere", "STREAMREC_EVENTS_URL", "STREAMREC_CHANGELOG_URL")
    'STREAMREC_EVENTS_URL'
    """
    holding = [name for name in candidates if shown_url(os.environ.get(name, "")) == shown]
    return " and ".join(holding or candidates[:1])


_PLACES = ("events_url", "changelog_url", "store_url", "cache_url", "artifacts_dir")


class LocationSettings(AccessSettings):
    """Locations of logs, stores, index and files, and who may use them: shared by all processes."""

    model_config = SettingsConfigDict(env_prefix="STREAMREC_", frozen=True, extra="ignore")

    events_url: str = Field("sqlite:///var/events.db", description="Events and commands: sqlite or kafka.")
    changelog_url: str | None = Field(
        None, description="Vectors; default: var/changelog.db beside SQLite events, else events_url."
    )
    store_url: str = Field("sqlite:///var/store.db", description="Users and items: sqlite or mongodb.")
    cache_url: str = Field("sqlite:///var/cache.db", description="Hot cache: sqlite or redis.")
    index_url: str = Field(
        "http://127.0.0.1:8100",
        description="The index service; inproc: an index in each recommender process.",
    )
    artifacts_dir: Path = Field(Path("var/artifacts"), description="Snapshots and checkpoints.")
    statsd_url: str | None = Field(None, description="statsd://host:8125; none: metrics are not sent.")
    log_level: str = "INFO"
    slow_request_s: PositiveFloat = Field(0.5, description="Requests that take longer are logged.")

    _at_home = field_validator(*_PLACES, mode="before")(home_expanded)

    @property
    def is_index_in_process(self) -> bool:
        """Whether each recommender process holds an index of its own, and there is no index service."""
        return self.index_url.removesuffix("//") == "inproc:"

    @property
    def vectors_url(self) -> str:
        """The changelog's URL, with its default resolved."""
        if self.changelog_url is not None:
            return self.changelog_url
        if self.events_url.startswith("sqlite:"):
            # A file of its own: an append to the events would else wait behind the trainer's writing.
            return self.events_url.rsplit("/", 1)[0] + "/changelog.db"
        return self.events_url


class TrainerSettings(BaseSettings):
    """Settings of the incremental trainer."""

    model_config = SettingsConfigDict(
        env_prefix="STREAMREC_TRAINER_", frozen=True, extra="ignore", allow_inf_nan=False
    )

    event_weights: dict[str, Weight] = Field(
        USUAL_WEIGHTS,
        description='Event type, or a rule on its values such as "rating<=2" -> weight; see EventWeights.',
    )
    default_event_weight: Weight = 1.0

    @field_validator("event_weights")
    @classmethod
    def _check_rules(cls, given: dict[str, float]) -> dict[str, float]:
        EventWeights(given)
        return given

    @property
    def weights(self) -> EventWeights:
        """Weights of events by their type and value."""
        return EventWeights(self.event_weights, self.default_event_weight)

    value_weight: bool = Field(False, description="An event's value, over its user's mean, scales it.")
    max_batch: PositiveInt = Field(1024, description="Events learned in one step at most.")
    round_s: PositiveFloat = Field(
        0.06,
        description="Processor time of a step, about: where events take longer, fewer are learned at once.",
    )
    poll_timeout_s: PositiveFloat = 0.05
    item_publish_interval_s: PositiveFloat = Field(0.2, description="Item vectors are coalesced so long.")
    item_publish_share: float = Field(
        0.33, gt=0, le=1, description="Of the time, spent on publishing item vectors at most."
    )
    user_publish_interval_s: PositiveFloat = Field(1.0, description="User vectors are coalesced so long.")
    user_publish_share: float = Field(
        0.1, ge=0, le=1, description="Of the time, spent on publishing user vectors at most; 0: none are."
    )
    max_user_vectors: PositiveInt = Field(2000, description="User vectors in one publication at most.")
    max_item_vectors: PositiveInt = Field(2000, description="Item vectors in one publication at most.")
    max_moved_vectors: NonNegativeInt = Field(
        300, description="Of these, items at most that were not chosen: choices stood against them."
    )
    status_interval_s: PositiveFloat = Field(1.0, description="Rankings, counters and gauges, so often.")
    evaluations_per_s: PositiveFloat = Field(
        10.0, description="Events predicted before learning, at most; fewer of a large catalogue."
    )
    look_ups_per_s: NonNegativeFloat = Field(1.0, description="Of these, asked of the live index; 0: none.")
    look_up_timeout_s: PositiveFloat = 1.0
    revert_worse_models: bool = Field(
        False, description="Once a model has got worse, items go back to the last checkpoint that passed."
    )
    checkpoint_interval_s: PositiveFloat = 30.0
    tail_s: PositiveFloat = Field(10.0, description="Longest learning of the tail at shutdown.")
    lease_duration_s: PositiveFloat = Field(6.0, description="A standby takes over a third later at most.")
    health_address: str | None = Field(None, description="host:port of /health/live and /health/ready.")
    dedupe_window: PositiveInt = Field(100_000, description="Event ids remembered, to drop repeats.")
    covisitation: CoVisitationSettings = Field(
        default_factory=CoVisitationSettings, description="Has variables of its own: STREAMREC_COVISITATION_."
    )
    cohorts: CohortSettings = Field(
        default_factory=CohortSettings, description="Has variables of its own: STREAMREC_COHORTS_."
    )
    popularity_half_lives: dict[WindowName, PositiveFloat | EventCount | None] = Field(
        {"all": None, "week": 7 * 86_400.0, "day": 86_400.0, "hour": 3_600.0, "recent": "1000 events"},
        description='Window -> seconds of stream time, a number of events ("1000 events"), or never (null).',
    )
    user_cap: PositiveFloat = Field(200.0, description="Events of a user that count in full; see UserShares.")
    user_cap_half_life_s: PositiveFloat = Field(86_400.0, description="They count half towards the cap then.")
    max_disliked: PositiveInt = Field(2000, le=MOST_DISLIKED, description="Newest dislikes kept of a user.")
    content_fields: frozenset[ContentField] = Field(
        DEFAULT_FIELDS,
        description="Of items' metadata (JSON): what they share there makes them like each other.",
    )
    new_item_age_s: PositiveFloat = Field(7 * 86_400.0, description="Older items are not new; stream time.")
    new_item_events: PositiveFloat = Field(20.0, description="Items chosen so often are not new.")
    max_users: PositiveInt = Field(
        2_000_000, description="Known at most: those silent longest are forgotten."
    )
    max_items: PositiveInt = Field(500_000, description="Known at most: those silent longest are forgotten.")
    max_deleted_items: PositiveInt = Field(
        100_000, description="Deleted ids remembered: late events must not bring the newest of them back."
    )
    max_silent_items: NonNegativeInt = Field(
        10_000, description="Items in the model that nobody chose yet, because they are like known ones."
    )


class BarsSettings(BaseSettings):
    """Settings of the bars process: open, high, low and close of events' values, minute by minute."""

    model_config = SettingsConfigDict(env_prefix="STREAMREC_HISTORY_", frozen=True, extra="ignore")

    window: PositiveInt = Field(60, le=MAX_WINDOW, description="Minutes kept of an item.")
    max_items: PositiveInt = Field(50_000, description="Items kept: those that were silent longest go.")
    types: frozenset[str] = Field(
        frozenset(), description="Types of events whose values count (JSON); none: all of no negative weight."
    )
    max_batch: PositiveInt = Field(10_000, description="Records taken in in one step at most.")
    round_s: PositiveFloat = Field(0.1, description="Processor time of a step, about.")
    poll_timeout_s: PositiveFloat = 0.05
    publish_interval_s: PositiveFloat = Field(1.0, description="Changes are coalesced so long.")
    publish_share: float = Field(0.25, gt=0, le=1, description="Of the time, spent on publishing at most.")
    max_published_bars: PositiveInt = Field(50_000, description="Minutes in one publication at most.")
    refresh_interval_s: PositiveFloat = Field(600.0, description="A cache that was emptied is full after it.")
    status_interval_s: PositiveFloat = Field(1.0, description="Gauges, so often.")
    checkpoint_interval_s: PositiveFloat = 30.0
    lease_duration_s: PositiveFloat = Field(
        30.0,
        description="A standby takes over a third later at most. Two thirds outlast the 18 s that a silent"
        " Redis is waited for: else two keepers take turns, and neither gets on.",
    )
    dedupe_window: PositiveInt = Field(100_000, description="Event ids remembered, to drop repeats.")
    health_address: str | None = Field(None, description="host:port of /health/live and /health/ready.")


class IndexSettings(BaseSettings):
    """Settings of the index service."""

    model_config = SettingsConfigDict(env_prefix="STREAMREC_INDEX_", frozen=True, extra="ignore")

    users: bool = Field(
        True, description="Users are indexed beside items: the memory of their vectors, for every generation."
    )


class ServerSettings(RateSettings):
    """Settings of the recommender."""

    model_config = SettingsConfigDict(env_prefix="STREAMREC_SERVER_", frozen=True, extra="ignore")

    timeout_s: PositiveFloat = Field(0.5, description="Longest wait for any one store or the index.")
    n_seen_excluded: PositiveInt = Field(2000, description="Newest seen items left out of an answer.")
    exploration_share: float = Field(0.02, ge=0, le=1, description="Places of a list that new items get.")
    exploration_by: ExplorationBy = Field(
        "uncertainty", description="What chooses these items: chance, or what there is to learn of each."
    )
    max_body_bytes: PositiveInt = 1_000_000
    diversity: float = Field(0.0, ge=0, le=1, description="Of lists: 0: the best; 1: the least similar.")
    max_per_category: PositiveInt | None = Field(
        None, description="Items of one category in a list while there are others; none: any number."
    )
    similar_order: OrderName = Field("score", description="Of what is like an item; see LikeOrder.")
    similar_value_attribute: str = Field("price", description="Of items: the number that order goes by.")
    root_path: Annotated[str, StringConstraints(pattern=r"^(/[^/?#%\s]+)*/?$")] = Field(
        "", description="Prefix that a proxy leaves before the paths, such as /rec."
    )
    max_upload_bytes: NonNegativeInt = Field(500_000_000, description="Of an admin's files; 0: none.")
    uploads_dir: Path = Field(Path("var/uploads"), description="Where these are, and what is made of them.")
    cors_origins: frozenset[Annotated[str, StringConstraints(pattern=r"^(\*|https?://[^/\s?#]+)$")]] = Field(
        frozenset(), description="Origins whose pages may use the API from a browser (JSON); none: none may."
    )
