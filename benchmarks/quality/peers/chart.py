"""Chart of the peers: recall of every model, with its interval, a panel a data set."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.charts import drawn

OURS_COLOR, PEERS_COLOR = "#1f6f8b", "#b0b7bd"


def draw(results: Mapping[str, Mapping[str, Any]], ours: tuple[str, ...], path: Path) -> None:
    """Write the chart as SVG; equal figures give equal bytes.

    Parameters
    ----------
    results
        Data set -> model -> its figures.
    ours
        Models that stand out.
    """
    with drawn(path, (10, 4.2)) as figure:
        panels = figure.subplots(1, len(results), squeeze=False)[0]
        for axes, (name, models) in zip(panels, results.items(), strict=True):
            names = sorted(models, key=lambda model: models[model]["recall_at_10"])
            recalls = [models[model]["recall_at_10"] for model in names]
            lows, highs = zip(*(models[model]["intervals"]["recall_at_10"] for model in names), strict=True)
            below = [recall - low for recall, low in zip(recalls, lows, strict=True)]
            above = [high - recall for recall, high in zip(recalls, highs, strict=True)]
            colors = [OURS_COLOR if model in ours else PEERS_COLOR for model in names]
            axes.barh(names, recalls, xerr=[below, above], color=colors, ecolor="#444444", capsize=2)
            axes.set_title(f"{name}, {models[names[0]]['n_events']:,} questions")
            axes.set_xlabel("recall@10, with its 95 % interval")
            axes.spines[["top", "right"]].set_visible(False)
