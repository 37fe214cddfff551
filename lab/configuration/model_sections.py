"""Sections of `lab.toml` about models: one for each, and one for what they are trained on."""

import msgspec

from lab.configuration.bounds import (
    Count,
    CountOrNone,
    NotNegative,
    Positive,
    check_shares,
)

HYBRID_PARTS = ("popularity", "als", "item_cf", "content")


class PopularitySection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Popularity, weighted by recency: an event counts half after `half_life_days`."""

    half_life_days: Positive = 30.0


class AlsSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Alternating least squares on implicit feedback (Hu, Koren, Volinsky 2008)."""

    factors: Count = 64
    iterations: Count = 20
    regularization: NotNegative = 0.05
    alpha: Positive = 10.0
    seed: CountOrNone = 42


class ItemCfSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Item to item by cosine, the nearest `neighbours` of each item."""

    neighbours: Count = 50


class ContentSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """TF-IDF of the items' texts, categories and attributes; a user is the mean of the items chosen."""

    max_terms: Count = 20_000
    min_items: Count = 1


class HybridSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Weighted sum of other models' scores, each list scaled to [0, 1].

    Attributes
    ----------
    weights
        Of the fixed blend.
    learned
        Whether to fit the weights on the validation slice as well, as a model of its own.
    candidates
        Length of the list that each part proposes.
    """

    weights: dict[str, float] = msgspec.field(
        default_factory=lambda: {"popularity": 0.1, "als": 0.4, "item_cf": 0.3, "content": 0.2}
    )
    learned: bool = True
    candidates: Count = 100

    def __post_init__(self) -> None:
        check_shares("weights", self.weights)
        if set(self.weights) != set(HYBRID_PARTS):
            raise ValueError(f"weights are of {', '.join(self.weights)}; wanted {', '.join(HYBRID_PARTS)}")


class SvdSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Truncated SVD of users and items, and the nearest `neighbours` of each user."""

    dims: Count = 50
    neighbours: Count = 50
    seed: CountOrNone = 42


class StreamingSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The product's own models, which learn the training part in order of time.

    Attributes
    ----------
    negatives, replayed
        Items that an event stands against, and past events learned again with each, of `streamed_gmf`.
    """

    seed: CountOrNone = 42
    negatives: Count = 20
    replayed: CountOrNone = 0


class EaseSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """EASE of the `max_items` most chosen items; see `lab.scoring.ease`."""

    regularization: Positive = 250.0
    max_items: Count = 12_000


class SessionKnnSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nearest sessions (Ludewig and Jannach 2018, Evaluation of session-based recommendation algorithms).

    Attributes
    ----------
    neighbours, sample
        Sessions that vote, and the newest sessions of each item that are compared.
    last
        Items of a user that are looked for.
    """

    neighbours: Count = 100
    sample: Count = 500
    last: Count = 10


class TuningSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Search for settings of ALS.

    Attributes
    ----------
    n_settings
        That are tried: the configured ones, and others drawn at random.
    seed
        Of what is drawn, and of the intervals.
    """

    n_settings: Count = 20
    seed: CountOrNone = 42


class ModelsSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Models that are trained, and on what.

    Attributes
    ----------
    trained
        Names of models, in the order in which they are trained; empty: all.
    products_only
        Whether models see, offer and are judged on products alone, without editorial items.
    weights
        Type of event -> weight in training; types that are not named weigh 0.
    """

    trained: list[str] = []
    products_only: bool = True
    weights: dict[str, float] = msgspec.field(default_factory=lambda: {
        "impression": 0.0, "click": 1.0, "cart": 2.0, "purchase": 3.0, "read": 1.0, "interaction": 1.0,
    })  # fmt: skip
    popularity: PopularitySection = PopularitySection()
    als: AlsSection = AlsSection()
    item_cf: ItemCfSection = ItemCfSection()
    content: ContentSection = ContentSection()
    hybrid: HybridSection = HybridSection()
    svd: SvdSection = SvdSection()
    streaming: StreamingSection = StreamingSection()
    ease: EaseSection = EaseSection()
    session_knn: SessionKnnSection = SessionKnnSection()

    def __post_init__(self) -> None:
        check_shares("weights", self.weights)
