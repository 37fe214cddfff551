"""The blend on the school of `examples/courses`: views, interests and assessments of planted groups."""

from pathlib import Path

import numpy as np
import pytest

from examples.courses.generate import School, groups_in
from examples.courses.mapping import events_of, items_of
from lab.matrices.cells import CellRules, Cells
from lab.models.blended_sources import BlendedSources, Source
from lab.models.tag_svd import TagSvd, TagSvdOptions
from streamrec.domain.events.interaction import Interaction
from streamrec.domain.items.item import Item

GROUP_SIZE = 50

N_DIMS = 25  # the school has so many fields


def views(cells: Cells) -> TagSvd:
    return TagSvd(TagSvdOptions(CellRules.only("view", cells=cells), n_dims=N_DIMS))


def followed_tags() -> TagSvd:
    rules = CellRules.only("interest", "assessment")
    return TagSvd(TagSvdOptions(rules, tags="item_ids", n_dims=N_DIMS))


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("school")
    School(n_users=1_500, group_size=GROUP_SIZE).write(folder)
    return folder


def test_blended_sources_find_who_belongs_together(school: Path) -> None:
    events = [Interaction(**event) for event in events_of(school)]
    items = [
        Item(item["item_id"], categories=tuple(item.get("attributes", {}).get("tags", ())))
        for item in items_of(school)
    ]
    blend = BlendedSources(
        [
            Source("seconds", 0.45, views("mean_value")),
            Source("views", 0.45, views("count")),
            Source("tags", 0.1, followed_tags()),
        ],
        offered=CellRules.only("view"),
    )
    alone = views("mean_value")
    precision = {}
    group_of = groups_in(school)
    asked = [str(handle) for handle in range(1, 1_501, 30)]
    for name, model in (("blend", blend), ("alone", alone)):
        model.fit(events, items)
        hits = [
            group_of[found.id] == group_of[user]
            for user in asked
            for found in model.similar_users(user, GROUP_SIZE - 1)
        ]
        precision[name] = float(np.mean(hits))
    assert precision["blend"] >= 0.9
    assert precision["blend"] > precision["alone"]
    recommended = [found.id for user in asked for found in blend.recommend(user, 5)]
    assert len(recommended) == 5 * len(asked)
    assert not any(item_id.startswith("tag:") for item_id in recommended)
