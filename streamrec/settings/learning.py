"""Settings of learning, within the limits that its proof of stability relies on."""

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from streamrec.domain.users.user import MOST_RECENT

MAX_WEIGHT = 100.0
"""Of an event, or of what stands beside one: with it every step of learning is finite, see docs/adr/0020."""

MAX_NEW_ROW = 8.0
"""Usual length of a new row at most."""

Weight = Annotated[float, Field(ge=-MAX_WEIGHT, le=MAX_WEIGHT)]
Factor = Annotated[float, Field(ge=0, le=MAX_WEIGHT)]
Rate = Annotated[float, Field(gt=0, le=1000)]


_LASTING = ("embedding_dim", "seed", "loss", "n_negatives", "n_remembered")
"""Settings that mean what they did before items had a row as past."""


class LearningSettings(BaseSettings):
    """Settings of learning: the same in initial and incremental training."""

    model_config = SettingsConfigDict(
        env_prefix="STREAMREC_LEARNING_", frozen=True, extra="ignore", allow_inf_nan=False
    )

    embedding_dim: PositiveInt = 64
    seed: int = 42
    loss: Literal["softmax", "bpr", "logistic"] = "softmax"
    init_std: PositiveFloat = Field(0.05, description="Spread of a new item's entries.")
    user_rate: Rate = Field(0.01, description="Learning rate of user rows.")
    item_rate: Rate = Field(0.1, description="Learning rate of item rows.")
    bias_rate: Rate = Field(0.2, description="Learning rate of item biases.")
    past_rate: Rate = Field(0.1, description="Learning rate of the rows that items have as somebody's past.")
    decay: Factor = Field(0.05, description="L2 regularization of the rows that are touched.")
    prior: Factor = Field(
        0.1, description="Share by which an item's first lesson shortens its row; the n-th: an n-th of it."
    )
    n_context: NonNegativeInt = Field(20, description="Last items that a user's vector holds; 0: none.")
    context_decay: float = Field(0.95, gt=0, le=1, description="An item weighs so much of the one after it.")
    context_floor: float = Field(0.1, ge=0, le=1, description="Share of its weight that no time takes away.")
    context_scales: PositiveFloat = Field(
        2.0, description="Typical gaps between a user's events in which the rest of the weight fades to 1/e."
    )
    n_negatives: PositiveInt = Field(100, description="Items that an event stands against.")
    n_remembered: PositiveInt = Field(50, le=MOST_RECENT, description="Newest items kept of a user.")
    n_replayed: NonNegativeInt = Field(4, description="Past events learned again with each event.")
    n_replay_newest: PositiveInt = Field(1_000, description="Newest events, of which half of these are.")
    n_replay_sampled: PositiveInt = Field(
        100_000, description="Sample of all events, of which the other half is; 172 bytes each."
    )
    replay_ahead_share: float = Field(
        0.7, ge=0, le=1, description="Replayed events whose context may hold later choices as well."
    )
    recent_negatives: float = Field(
        0.5, ge=0, le=1, description="Share of the negatives that are items of the newest events."
    )
    n_shown_negatives: NonNegativeInt = Field(
        0, description="Newest impressions since a user's last choice that the next stands against; 0: none."
    )
    least_drift: Factor = Field(
        0.05,
        description="Nats that an item's logits move, as a negative, before it is published again.",
    )

    @model_validator(mode="after")
    def _check_new_rows(self) -> Self:
        if self.init_std * math.sqrt(self.embedding_dim) > MAX_NEW_ROW:
            raise ValueError(
                f"init_std {self.init_std} with embedding_dim {self.embedding_dim}: new rows would be longer"
                f" than {MAX_NEW_ROW}, half of what a row may come to"
            )
        return self

    @model_validator(mode="after")
    def _check_shown(self) -> Self:
        if self.n_shown_negatives >= self.n_negatives:
            raise ValueError(
                f"n_shown_negatives {self.n_shown_negatives} is not below n_negatives {self.n_negatives}:"
                " some must be left to be drawn"
            )
        return self

    @classmethod
    def recorded(cls, values: Mapping[str, Any]) -> Self:
        """Return settings that a generation was trained with.

        Of one from before items had a row as past, only what still means the same counts.
        """
        if "past_rate" not in values:
            values = {name: value for name, value in values.items() if name in _LASTING}
        return cls(**values)
