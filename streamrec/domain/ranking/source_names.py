"""Names of candidate sources: those that a blend weighs, and all that an answer may show."""

from typing import Literal

SourceName = Literal[
    "gmf", "covisitation", "followers", "again", "similar", "same_day", "popular", "new", "listed"
]
"""Names that an answer shows; it shows one that is not here as "popular"."""

GMF, COVISITATION, FOLLOWERS, AGAIN = "gmf", "covisitation", "followers", "again"

SAME_DAY = "same_day"
"""No part of a blend: what it sees co-visitation sees too, and weighs."""

WINDOWS = ("all", "week", "day", "hour", "recent")
"""Of popularity, as the trainer names its rankings."""

POPULAR = tuple(f"popular_{window}" for window in WINDOWS)

SOURCES = (GMF, COVISITATION, FOLLOWERS, *POPULAR, AGAIN)
"""All that a blend may weigh."""
