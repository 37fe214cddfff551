"""Share of new items in the lists, and its cost: MovieLens-100K, a third of its films arriving late.

Figures by way of exploration: exposures and clicks of the late films, how soon they are shown, recall.
Clicks are what people chose anyway: a record can't tell what they would have done with another list.
"""

import random
from collections.abc import Sequence
from math import inf
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import Progress

from benchmarks import results_file
from benchmarks.quality.exploration_replay import MILESTONES, Outcome, Stream, Way, replay, with_late_items
from benchmarks.quality.exploration_server import Server
from benchmarks.quality.tables import put_between
from streamrec.cli.files.opening import open_chosen
from streamrec.cli.files.options import Chosen, takes_files
from streamrec.learning.learner import use_one_thread

WAYS = (
    Way(0.0, "chance"),
    *(Way(share, by) for share in (0.02, 0.05, 0.1) for by in ("chance", "uncertainty")),
)

LATE_SHARE = 1 / 3

PAGE = Path(__file__).parents[2] / "docs" / "quality.md"

MARKERS = ("<!-- new items: begin -->", "<!-- new items: end -->")


@takes_files
def main(
    chosen: Chosen,
    json: Annotated[Path | None, typer.Option(help="Write the figures to this file.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Only the first n events.")] = 30_000,
    page: Annotated[Path | None, typer.Option(help="The page that holds the table.")] = PAGE,
) -> None:
    """Measure exposures, clicks, waiting and recall of several ways to explore."""
    use_one_thread()
    is_told = chosen.dataset is not None or (chosen.files is not None and chosen.files.events)
    event_set = open_chosen(chosen if is_told else chosen._replace(dataset="ml-100k"))
    known = {event.item_id for event in event_set[:limit]}
    catalog = [item for item in event_set.catalog if item.item_id in known]
    stream = with_late_items(list(event_set[:limit]), catalog, LATE_SHARE, random.Random(0))
    n_late = sum(map(len, stream.arrivals.values()))
    figures: dict[str, Any] = {"n_events": len(stream.events), "n_late_items": n_late, "lists": []}
    for starts_silently in (False, True):
        ways = WAYS if starts_silently else WAYS[:1]
        for way, outcome in replayed(stream, starts_silently, ways).items():
            found = {**way._asdict(), "starts_silently": starts_silently, **figures_of(outcome, n_late)}
            figures["lists"].append(found)
            print(found, flush=True)
    results_file.write(json, figures)
    if page is not None:
        put_between(MARKERS, table_rows(figures), page)


def replayed(stream: Stream, starts_silently: bool, ways: Sequence[Way]) -> dict[Way, Outcome]:
    """Return what lists of each way come to."""
    with Progress(transient=True) as progress:
        task = progress.add_task("replaying", total=len(stream.events))
        server = Server(starts_silently=starts_silently)
        return replay(server, stream, ways, lambda n: progress.advance(task, n))


def figures_of(outcome: Outcome, n_late: int) -> dict[str, Any]:
    """Return an outcome's figures; `n_late` items arrived late."""
    return {
        "recall_at_10": outcome.n_hits / outcome.n_questions,
        "late_items_recall_at_10": outcome.n_late_hits / max(1, outcome.n_late_questions),
        "clicks_of_1000_places": 1000 * outcome.n_right / outcome.n_questions,
        "explored_share": outcome.n_explored / (10 * outcome.n_questions),
        "n_questions": outcome.n_questions,
        "n_clicks_on_late_items": outcome.n_late_hits,
        "n_exposures_of_late_items": sum(outcome.exposures.values()),
        "to_exposure": {
            str(milestone): {
                "items": len(waits),
                "median_events": _median([n_events for n_events, _ in waits], n_late),
                "median_hours": _median([seconds / 3600 for _, seconds in waits], n_late),
            }
            for milestone, waits in outcome.waits.items()
        },
    }


def _median(waits: list[int] | list[float], n_items: int) -> float | None:
    """Return the median over all items, of which some wait for ever; None when most do."""
    in_order = sorted([*waits, *[inf] * (n_items - len(waits))])
    middle = in_order[(n_items - 1) // 2]
    return middle if middle < inf else None


def table_rows(figures: dict[str, Any]) -> list[str]:
    """Return the table's lines."""
    n_late = figures["n_late_items"]
    heads = [f"{name} exposure: films, median wait" for name in ("first", "5th", "20th")]
    lines = [
        f"{n_late:,} of the films arrive late; {figures['lists'][0]['n_questions']:,} lists of 10.",
        "",
        f"| share, by | recall@10 | clicks in 1,000 such places | late films: recall@10 | exposures | clicks"
        f" | {' | '.join(heads)} |",
        "|---" * (6 + len(heads)) + "|",
    ]
    for row in figures["lists"]:
        name = f"{row['share']:.2f}, {row['by']}" if row["share"] else "0"
        name += "" if row["starts_silently"] else ", and unknown until chosen"
        cells = [name, f"{row['recall_at_10']:.4f}", f"{row['clicks_of_1000_places']:.2f}"]
        cells += [f"{row['late_items_recall_at_10']:.3f}"]
        cells += [f"{row['n_exposures_of_late_items']:,}", f"{row['n_clicks_on_late_items']:,}"]
        cells += [_wait(row["to_exposure"][str(n)], n_late) for n in MILESTONES]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _wait(reached: dict[str, Any], n_late: int) -> str:
    share = f"{reached['items'] / n_late:.0%}"
    if reached["median_events"] is None:
        return share
    return f"{share}, {reached['median_events']:,} events ({reached['median_hours']:,.1f} h)"


if __name__ == "__main__":
    typer.run(main)
