"""Settings of learning, within the limits that its proof of stability relies on."""

import math
from typing import Annotated, Literal, Self

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from streamrec.domain.users.user import MOST_RECENT

MAX_WEIGHT = 100.0
"""Of an event, or of what stands beside one: with it every step of learning is finite, see docs/adr/0018."""

MAX_NEW_ROW = 8.0
"""Usual length of a new row at most."""

Weight = Annotated[float, Field(ge=-MAX_WEIGHT, le=MAX_WEIGHT)]
Factor = Annotated[float, Field(ge=0, le=MAX_WEIGHT)]
Rate = Annotated[float, Field(gt=0, le=1000)]


class LearningSettings(BaseSettings):
    """Settings of learning: the same in initial and incremental training."""

    model_config = SettingsConfigDict(
        env_prefix="STREAMREC_LEARNING_", frozen=True, extra="ignore", allow_inf_nan=False
    )

    embedding_dim: PositiveInt = 64
    seed: int = 42
    loss: Literal["softmax", "bpr", "logistic"] = "softmax"
    init_std: PositiveFloat = Field(0.044, description="Spread of a new row's entries.")
    user_rate: Rate = Field(1.0, description="Learning rate of user rows: large, they follow.")
    item_rate: Rate = Field(0.035, description="Learning rate of item rows.")
    bias_rate: Rate = Field(0.06, description="Learning rate of item biases.")
    item_boost: Factor = Field(2.0, description="A new item's row learns so much faster besides.")
    bias_boost: Factor = Field(10.0, description="A new item's bias learns so much faster besides.")
    boost_events: PositiveFloat = Field(5.0, description="After so many events both boosts are halved.")
    decay: Factor = Field(0.09, description="L2 regularization of the rows that are touched.")
    n_context: NonNegativeInt = Field(2, description="Last items that a user's vector holds; 0: none.")
    context_decay: float = Field(0.7, gt=0, le=1, description="An item weighs so much of the one after it.")
    context_weight: Factor = Field(1.0, description="Of the last items, beside the user's row.")
    context_rate: Factor = Field(0.086, description="Learning rate of item rows as last items.")
    n_negatives: PositiveInt = Field(100, description="Items that the events of one step stand against.")
    n_moved_negatives: PositiveInt = Field(20, description="Of these, learn themselves, per event.")
    popular_share: float = Field(0.0, ge=0, le=1, description="Negatives drawn by popularity; rest: uniform.")
    popularity_window: PositiveInt = Field(100_000, description="Positives that this popularity is of.")
    n_remembered: PositiveInt = Field(50, le=MOST_RECENT, description="Newest items kept of a user.")
    n_replayed: NonNegativeInt = Field(0, description="Of these, learned again by the user at each event.")
    replay_weight: Factor = Field(0.3, description="Weight of a replayed event beside a new one.")

    @model_validator(mode="after")
    def _check_new_rows(self) -> Self:
        if self.init_std * math.sqrt(self.embedding_dim) > MAX_NEW_ROW:
            raise ValueError(
                f"init_std {self.init_std} with embedding_dim {self.embedding_dim}: new rows would be longer"
                f" than {MAX_NEW_ROW}, half of what a row may come to"
            )
        return self
