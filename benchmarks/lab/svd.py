"""The laboratory's decomposition of users and tags: 100,000 users, 5,000 tags, groups planted among them.

A user of a group views 15 to 30 items, four fifths of them of the group's theme and one fifth of anything;
seconds viewed are gamma distributed. An item has two tags of its theme; a theme has a twentieth of all tags,
so themes overlap. How good it is: of a user's (group size - 1) nearest, the share that is of the same group.

A fit is everything from the events to a model that answers, and its peak is that of the whole process, the
data included. The nearest are found at the time of the question; what all users' would take is told beside.
A second run plants more groups than directions are kept.
"""

import resource
import time
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
import typer
from numpy.typing import NDArray

from benchmarks import results_file
from lab.matrices.similarity import nearest
from lab.models.tag_svd import TagSvd, TagSvdOptions
from streamrec.datasets.event_set import CodedColumn, EventSet
from streamrec.domain.items.item import Item

SHARE_OF_THEME = 0.8

N_ASKED = 400


class Size(NamedTuple):
    """Numbers of users, items and groups in the planted data."""

    n_users: int = 100_000
    n_tags: int = 5_000
    n_items: int = 20_000
    n_groups: int = 40


class Planted(NamedTuple):
    """Events, the group of each user in the order of their rows, and their size on average."""

    events: EventSet
    groups: NDArray[np.int64]
    group_size: int


def main(
    json: Annotated[Path | None, typer.Option(help="Write the figures to this file.")] = None,
    n_users: Annotated[int, typer.Option(min=100)] = Size().n_users,
    n_more_groups: Annotated[int, typer.Option(min=1, help="Of the second run.")] = 200,
) -> None:
    """Measure the fit, what it finds, and what asking costs."""
    sizes = [Size(n_users), Size(n_users, n_groups=n_more_groups)]
    figures = {f"{size.n_groups} groups": measured(size, seed=7) for size in sizes}
    for name, of_run in figures.items():
        print(f"{name:12} {of_run}")
    results_file.write(json, figures)


def measured(size: Size, seed: int) -> dict[str, Any]:
    """Fit a model on planted groups and ask it; memory is the process's peak so far, in MB."""
    planted = plant(size, seed)
    model = TagSvd(TagSvdOptions())
    start, start_cpu = time.perf_counter(), time.process_time()
    model.fit(planted.events, planted.events.catalog)
    fit_s, fit_cpu_s = time.perf_counter() - start, time.process_time() - start_cpu
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    asked = np.random.default_rng(seed).choice(size.n_users, min(N_ASKED, size.n_users), replace=False)
    k = planted.group_size - 1
    found = nearest(model.similarity, asked, k)
    hits = [planted.groups[of.rows] == planted.groups[row] for row, of in zip(asked, found, strict=True)]
    start_cpu = time.process_time()
    for _ in nearest(model.similarity, asked, 50):
        pass
    bulk_cpu_s = time.process_time() - start_cpu
    start = time.perf_counter()
    for user_id in model.matrix.users.ids_at(asked[:50].tolist()):
        model.similar_users(user_id, 50)
    return {
        "n_events": len(planted.events),
        "fit_s": fit_s,
        "fit_cpu_s": fit_cpu_s,
        "peak_mb": peak_mb,
        f"precision_at_{k}": float(np.mean([of.sum() / k for of in hits])),
        "one_user_ms": (time.perf_counter() - start) / min(50, len(asked)) * 1000,
        "all_users_50_nearest_cpu_s": bulk_cpu_s / len(asked) * size.n_users,
    }


def plant(size: Size, seed: int) -> Planted:
    """Return views of planted groups of users, the same for the same seed."""
    random = np.random.default_rng(seed)
    theme_of = np.arange(size.n_items) % size.n_groups
    themes = np.stack([random.permutation(size.n_tags)[: size.n_tags // 20] for _ in range(size.n_groups)])
    tags = themes[theme_of[:, None], random.integers(0, themes.shape[1], (size.n_items, 2))]
    catalog = [Item(f"i{n}", categories=tuple({f"t{a}", f"t{b}"})) for n, (a, b) in enumerate(tags.tolist())]
    groups = random.permutation(np.arange(size.n_users) % size.n_groups)
    users = np.repeat(np.arange(size.n_users), random.integers(15, 31, size.n_users))
    in_theme = random.integers(0, size.n_items // size.n_groups, len(users)) * size.n_groups + groups[users]
    anything = random.integers(0, size.n_items, len(users))
    items = np.where(random.random(len(users)) < SHARE_OF_THEME, in_theme, anything)
    events = EventSet(
        "planted",
        users=CodedColumn(users.astype(np.int32), [f"u{n}" for n in range(size.n_users)]),
        items=CodedColumn(items.astype(np.int32), [item.item_id for item in catalog]),
        types=CodedColumn(np.zeros(len(users), np.int32), ["view"]),
        timestamps=np.arange(len(users), dtype=np.float64),
        values=random.gamma(2.0, 30.0, len(users)),
        lines=np.arange(len(users)),
        catalog=catalog,
    )
    return Planted(events, groups, size.n_users // size.n_groups)


if __name__ == "__main__":
    typer.run(main)
