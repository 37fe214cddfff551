"""Pictures of benchmarks, drawn from the recorded results: `python -m benchmarks.charts`.

They stand in docs/images/benchmarks, and `docs/benchmarks.md` shows those that there are. Equal figures give
equal bytes.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from benchmarks.results_file import recorded

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

IMAGES = Path(__file__).parents[1] / "docs" / "images" / "benchmarks"


class Picture(NamedTuple):
    """One picture.

    Attributes
    ----------
    title
        What it shows.
    result
        The recorded result that it is drawn from.
    differs, label
        What its points differ in, and how that is called.
    """

    title: str
    result: str
    differs: str
    label: str


_SERVING = "serving_curves"

PICTURES: Mapping[str, Picture] = {
    "connections": Picture(
        "Recommendations over HTTP by connections", _SERVING, "n_connections", "connections"
    ),
    "items": Picture("Recommendations over HTTP by items", _SERVING, "n_items", "items"),
    "seen": Picture(
        "Recommendations over HTTP by seen items", _SERVING, "n_seen", "items that the user has seen"
    ),
    "users": Picture("The whole trainer by users", "trainer", "n_users", "users"),
}
"""By the name of the file, in the order of the page."""

_COLORS = ("#1f6f8b", "#b5651d")
_BARE = "#8a9197"


@contextmanager
def drawn(path: Path, size: tuple[float, float]) -> Iterator["Figure"]:
    """Give a figure to draw on, and write it as SVG when the block ends."""
    # Installed apart, and a second to import: only who draws pays for it.
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context({"svg.hashsalt": "benchmarks", "svg.fonttype": "none"}):
        figure = Figure(figsize=size, layout="constrained")
        yield figure
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, format="svg", metadata={"Date": None})


def draw_curve(points: Sequence[Mapping[str, Any]], picture: Picture, path: Path) -> None:
    """Draw throughput and tail of recommendations, the bare app beside them."""
    counts = [point[picture.differs] for point in points]
    with drawn(path, (9, 3.4)) as figure:
        throughput, tail = figure.subplots(1, 2)
        _line(throughput, counts, [point["recommendations_per_s"] for point in points], "recommendations")
        throughput.set_ylabel("answers a second")
        throughput.set_ylim(bottom=0)
        for key, color in zip(("p50_ms", "p99_ms"), _COLORS, strict=True):
            _line(tail, counts, [point[key] for point in points], key[:3], color)
        _line(tail, counts, [point["bare_p99_ms"] for point in points], "p99 of a bare Falcon app", _BARE)
        tail.set_ylabel("ms")
        tail.set_yscale("log")
        for axes in (throughput, tail):
            _finish(axes, counts, picture.label)


def draw_users(sizes: Sequence[Mapping[str, Any]], picture: Picture, path: Path) -> None:
    """Draw the trainer's events a second, a line for each number of items."""
    with drawn(path, (5, 3.4)) as figure:
        axes = figure.subplots()
        for n_items, color in zip(sorted({size["n_items"] for size in sizes}), _COLORS, strict=False):
            of_items = sorted((s for s in sizes if s["n_items"] == n_items), key=itemgetter(picture.differs))
            users = [size[picture.differs] for size in of_items]
            _line(axes, users, [size["events_per_s"] for size in of_items], f"{n_items:,} items", color)
        axes.set_ylabel("events a second")
        axes.set_ylim(bottom=0)
        _finish(axes, sorted({size[picture.differs] for size in sizes}), picture.label)


def _line(
    axes: "Axes", counts: Sequence[int], values: Sequence[float], label: str, color: str = _COLORS[0]
) -> None:
    axes.plot(counts, values, marker="o", markersize=4, color=color, label=label)


def _finish(axes: "Axes", counts: Sequence[int], label: str) -> None:
    axes.set_xscale("log")
    axes.set_xticks(counts, [f"{count:,}" for count in counts])
    axes.minorticks_off()
    axes.set_xlabel(label)
    axes.grid(visible=True, axis="y", color="#dddddd")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)


def main(images: Path = IMAGES) -> list[Path]:
    """Draw what is recorded; return the pictures' paths."""
    paths = []
    for name, picture in PICTURES.items():
        result = recorded(picture.result)
        if result is None:
            continue
        paths.append(images / f"{name}.svg")
        if picture.result == _SERVING:
            draw_curve(result.figures[name], picture, paths[-1])
        else:
            draw_users(result.figures["sizes"], picture, paths[-1])
    return paths


if __name__ == "__main__":
    main()
