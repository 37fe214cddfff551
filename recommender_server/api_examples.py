"""Examples of parameters and bodies, as the API's document tells them: those of MovieLens-100K."""

from typing import Any, Final

PARAMETERS: Final[dict[str, Any]] = {
    "user_id": "178",
    "item_id": "255",
    "category": "Drama",
    "filter": "category in (Drama, War)",
    "exclude_ids": "50",
    "only_ids": "255",
    "min_score": 0.01,
    "diversity": 0.3,
    "max_per_category": 3,
    "text": "star",
    "prefix": "17",
    "since": 1_790_000_000,
    "name": "lag_s",
    "file": "shop.csv",
    "experiment_id": "diverse-lists",
}
"""By name, wherever a parameter of this name stands; others speak for themselves by their defaults."""

BODIES: Final[dict[tuple[str, str], Any]] = {
    ("post", "/v1/recommendations:batch"): {"users": ["178", {"user_id": "me", "item_id": "255"}], "k": 3},
    ("post", "/v1/events"): {"user_id": "me", "item_id": "255", "type": "interaction"},
    ("put", "/v1/items"): [
        {"item_id": "film-1", "title": "A film", "categories": ["Drama"], "attributes": {"year": 1994}}
    ],
    ("put", "/v1/items/{item_id}"): {
        "title": "A film",
        "categories": ["Drama"],
        "is_hidden": False,
        "attributes": {"year": 1994},
    },
    ("put", "/v1/users/{user_id}"): {"attributes": {"country": "AT"}},
    ("put", "/v1/experiments/{experiment_id}"): {
        "variants": [{"name": "as-is"}, {"name": "diverse", "changes": {"diversity": 0.3}}],
        "control": "as-is",
        "primary": "ctr",
        "state": "running",
        "ramp": 5,
    },
    ("post", "/v1/experiments/{experiment_id}/ramp"): {"percent": 25},
    ("post", "/v1/experiments/{experiment_id}/stop"): {"reason": "complaints about repeated items"},
    ("post", "/v1/own-data/inspection"): {"files": [{"file": "shop.csv", "map": {"user_id": "uuid"}}]},
    ("post", "/v1/own-data/training"): {"replaces": None, "as_challenger": False, "force": False},
}
"""By method and path."""
