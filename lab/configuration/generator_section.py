"""Sections of `lab.toml` that say where the data comes from and by which laws it is drawn."""

from datetime import date
from typing import Literal

import msgspec

from lab.configuration.bounds import (
    Count,
    CountOrNone,
    InnerShare,
    NotNegative,
    Positive,
    Share,
    check_shares,
)

PRODUCT_STAGES = ("impression", "click", "cart", "purchase")
EDITORIAL_STAGES = ("click", "read")


class DataSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Origin of the interactions.

    Attributes
    ----------
    dataset
        ``generator``; a data set that the product knows by name (``ml-100k``); or the path of a file of
        events (CSV, JSON Lines, Parquet) with its items beside it, as `streamrec evaluate --events` has it.
    """

    dataset: str = "generator"

    def __post_init__(self) -> None:
        if not self.dataset:
            raise ValueError("dataset is empty; wanted generator, ml-100k or the path of a file of events")


class DriftSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One change of the laws at one moment.

    Attributes
    ----------
    kind
        ``none``; ``preference``: users get another primary category; ``popularity``: products get other
        ranks.
    at
        Moment of the change, as a share of the time from the first day to the last.
    share
        Users, or products, that are affected.
    """

    kind: Literal["none", "preference", "popularity"] = "none"
    at: InnerShare = 0.5
    share: Share = 0.5


class GeneratorSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Laws that the made-up shop follows; see docs/reference/lab-settings.md.

    Attributes
    ----------
    n_users, n_products, n_editorial, n_interactions
        Sizes; `n_interactions` counts events of all types and is met exactly.
    seed
        Equal settings and seeds give equal files.
    start, days
        First day (UTC) and number of days.
    product_exponent, editorial_exponent
        s of the power laws r^-s by which the item of rank r is chosen within its group.
    n_categories, n_subcategories, n_brands
        Of products; subcategories are counted per category.
    category_exponent
        s of the power law r^-s by which categories, and subcategories within one, are preferred.
    price_tiers
        Name -> middle of the tier's prices; products fall into each equally often.
    editorial_kinds
        Kind of editorial item -> share.
    min_topics, max_topics
        Topic tags of an editorial item; topics are the categories of products.
    product_share
        Events on products; the others are on editorial items.
    primary_affinity
        Choices of a user that fall into the user's primary category.
    preferred_affinity
        Of these, the choices that fall into the preferred subcategory.
    activity_exponent
        Users' activity is the power law r^-s of their rank.
    late_users
        Users who come evenly over the whole time; the others are there from the first day.
    session_exponent, session_max_choices
        Choices in a session are distributed as Zipf(s) between 1 and the maximum.
    choice_gap_s
        Mean seconds from the last event of a choice to the next choice (exponential), and a quarter of it
        from stage to stage of one choice.
    peak_decay
        Attraction of an item falls by exp(-peak_decay) a month away from its peak month, around the year.
    season_strength
        0: categories have no season; 1: a category's traffic in its off season falls to nothing.
    product_funnel
        Events by stage, impression >= click >= cart >= purchase >= 0, in any unit.
    editorial_funnel
        The same of editorial items, click >= read >= 0.
    rows_per_part
        Events per Parquet part, about; bounds the memory.
    drift
        See `DriftSection`.
    """

    n_users: Count = 100_000
    n_products: Count = 10_000
    n_editorial: CountOrNone = 1_000
    n_interactions: Count = 3_000_000
    seed: CountOrNone = 42
    start: date = date(2024, 1, 1)
    days: Count = 365
    product_exponent: Positive = 1.2
    editorial_exponent: Positive = 1.1
    n_categories: Count = 10
    n_subcategories: Count = 5
    n_brands: Count = 200
    category_exponent: NotNegative = 0.5
    price_tiers: dict[str, float] = msgspec.field(
        default_factory=lambda: {"budget": 15.0, "mid": 60.0, "premium": 250.0}
    )
    editorial_kinds: dict[str, float] = msgspec.field(
        default_factory=lambda: {"article": 0.5, "post": 0.2, "collection": 0.15, "buying_guide": 0.15}
    )
    min_topics: Count = 2
    max_topics: Count = 3
    product_share: Share = 0.8
    primary_affinity: Share = 0.7
    preferred_affinity: Share = 0.6
    activity_exponent: NotNegative = 0.5
    late_users: Share = 0.2
    session_exponent: Positive = 1.5
    session_max_choices: Count = 50
    choice_gap_s: Positive = 40.0
    peak_decay: NotNegative = 0.3
    season_strength: Share = 0.5
    product_funnel: dict[str, float] = msgspec.field(
        default_factory=lambda: {"impression": 0.6, "click": 0.28, "cart": 0.08, "purchase": 0.04}
    )
    editorial_funnel: dict[str, float] = msgspec.field(default_factory=lambda: {"click": 0.6, "read": 0.4})
    rows_per_part: Count = 250_000
    drift: DriftSection = DriftSection()

    def __post_init__(self) -> None:
        check_shares("editorial_kinds", self.editorial_kinds)
        check_shares("price_tiers", self.price_tiers)
        _check_funnel("product_funnel", self.product_funnel, PRODUCT_STAGES)
        _check_funnel("editorial_funnel", self.editorial_funnel, EDITORIAL_STAGES)
        if self.min_topics > self.max_topics:
            raise ValueError(f"min_topics is {self.min_topics}, max_topics {self.max_topics}; wanted no less")
        if self.n_products < self.n_categories * self.n_subcategories:
            raise ValueError(
                f"n_products is {self.n_products}; wanted one for each of the"
                f" {self.n_categories * self.n_subcategories} subcategories"
            )
        if self.product_share < 1 and self.n_editorial == 0:
            raise ValueError("n_editorial is 0; then product_share has to be 1")


def _check_funnel(name: str, funnel: dict[str, float], stages: tuple[str, ...]) -> None:
    check_shares(name, funnel)
    if set(funnel) != set(stages):
        raise ValueError(f"{name} has the stages {', '.join(funnel)}; wanted {', '.join(stages)}")
    amounts = [funnel[stage] for stage in stages]
    if amounts != sorted(amounts, reverse=True):
        raise ValueError(
            f"{name} rises from one stage to the next: {funnel}; each event follows the one before"
        )
