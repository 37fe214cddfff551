"""Recall over the stream, as a picture."""

from html import escape
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.ranking.metrics import gains
from streamrec.domain.ranking.prequential import Rows
from streamrec.errors import ConfigurationError, InvalidInput
from streamrec.evaluation.prequential import Evaluation

if TYPE_CHECKING:
    from matplotlib.figure import Figure

REQUIREMENTS = "-r requirements-plot.txt, or outside of the repository 'streamrec[plot]'"

ENDINGS = (".png", ".svg", ".html")

_MOST_POINTS = 1000
"""More can't be told apart on a screen, and make a page of megabytes."""


def require_plotting(path: Path) -> None:
    """Make sure that `draw` can write such a file, before an evaluation that takes minutes.

    Raises
    ------
    InvalidInput
        When the file's ending is none of `ENDINGS`.
    ConfigurationError
        When matplotlib is not installed.
    """
    if path.suffix not in ENDINGS:
        raise InvalidInput(f"--plot {path}: a file ends in one of {', '.join(ENDINGS)}")
    try:
        import matplotlib as mpl  # noqa: F401
    except ModuleNotFoundError as error:
        raise ConfigurationError(f"--plot needs matplotlib: pip install {REQUIREMENTS}") from error


def draw(evaluation: Evaluation, path: Path) -> None:
    """Write a picture of each model's recall in a sliding window, by event number.

    A file that ends in .html is a page that holds the picture, and needs nothing else.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    figure = _figure(evaluation)
    if path.suffix != ".html":
        figure.savefig(path)
        return
    drawing = StringIO()
    figure.savefig(drawing, format="svg")
    svg = drawing.getvalue()
    title = escape(_title(evaluation))
    page = f'<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>{title}</title>\n'
    path.write_text(page + svg[svg.index("<svg") :] + "</html>\n", "utf-8")


def over_stream(values: NDArray[np.float64], window: int) -> NDArray[np.float64]:
    """Return (Q - window + 1,) means of (Q,) values over a sliding window.

    >>> over_stream(np.array([1.0, 0.0, 0.0, 1.0]), window=2).tolist()
    [0.5, 0.0, 0.5]
    """
    sums = np.concatenate([[0.0], np.cumsum(values)])
    found: NDArray[np.float64] = (sums[window:] - sums[:-window]) / window
    return found


def window_of(n_questions: int) -> int:
    """Return how many questions the window holds: a twentieth of all, but 50 to 2,000.

    >>> window_of(10), window_of(4000), window_of(1_000_000)
    (10, 200, 2000)
    """
    return max(1, min(n_questions, max(50, min(2000, n_questions // 20))))


def _figure(evaluation: Evaluation) -> "Figure":
    # Installed apart, and a second to import: only who wants a picture pays for it.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 5), layout="constrained")
    axes = figure.subplots()
    k = min(evaluation.protocol.ks)
    window = window_of(len(evaluation.positions))
    for name, answers in evaluation.answers.items():
        values = np.mean([gains("recall", one.ranks, k) for one in answers], axis=0)
        if len(values):
            shown = _spread_evenly(len(values) - window + 1)
            positions = evaluation.positions[window - 1 :]
            axes.plot(positions[shown], over_stream(values, window)[shown], label=name, linewidth=1.2)
    axes.set_title(_title(evaluation))
    axes.set_xlabel("event number")
    axes.set_ylabel(f"recall@{k} of the last {window:,} questions")
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    if len(evaluation.positions):
        axes.legend()
    return figure


def _title(evaluation: Evaluation) -> str:
    n_events = len(evaluation.events.user_rows)
    return f"Predicted, then learned: {len(evaluation.positions):,} questions in {n_events:,} events"


def _spread_evenly(n_points: int) -> Rows:
    return np.unique(np.linspace(0, n_points - 1, min(n_points, _MOST_POINTS)).astype(np.int64))
