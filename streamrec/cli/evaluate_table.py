"""The figures of an evaluation, as tables."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.box import SIMPLE
from rich.table import Table

Results = Mapping[str, Mapping[str, Any]]


def figures_tables(results: Results) -> Iterator[Table]:
    """Yield tables with a row a model: all questions, kinds of questions, and what it took.

    Parameters
    ----------
    results
        What `figures` returned.
    """
    first = next(iter(results.values()))
    # The rest stands in the file: a screen may be 80 signs wide.
    metrics = [name for name in first["intervals"] if name.startswith("recall")]
    metrics[1:1] = [metrics[0].replace("recall", other) for other in ("ndcg", "mrr")]
    questions = _table(
        f"{first['n_events']:,} questions", [metric.replace("_at_", "@") for metric in metrics]
    )
    for name, figures in results.items():
        others = (f"{figures[metric]:.4f}" for metric in metrics[1:])
        questions.add_row(name, _with_reach(figures, metrics[0]), *others)
    yield questions

    segments = first["segments"]
    heads = [f"{name.replace('_', ' ')} ({of_part['n_events']:,})" for name, of_part in segments.items()]
    kinds = _table(metrics[0].replace("_at_", "@"), heads)
    for name, figures in results.items():
        kinds.add_row(name, *(_with_reach(figures["segments"][segment], metrics[0]) for segment in segments))
    yield kinds

    cost = _table("mean; 99 %", ["ms to predict", "ms to learn", "coverage", "gini", "std by seed"])
    for name, figures in results.items():
        durations = [figures["time_ms"][step] for step in ("predict", "learn")]
        lists = figures["coverage"]
        cost.add_row(
            name,
            *(f"{took['mean']:.3f}; {took['p99']:.3f}" for took in durations),
            *(f"{lists[key]:.3f}" for key in ("share", "gini")),
            _spread(figures["seeds"], metrics[0]),
        )
    yield cost


def _table(title: str, heads: Sequence[str]) -> Table:
    table = Table(box=SIMPLE)
    table.add_column(title, no_wrap=True)
    for head in heads:
        table.add_column(head)
    return table


def _with_reach(figures: Mapping[str, Any], metric: str) -> str:
    """Return a mean and half the width of its interval."""
    low, high = figures["intervals"][metric]
    return f"{figures[metric]:.4f} ±{(high - low) / 2:.3f}"


def _spread(seeds: Mapping[str, Any], metric: str) -> str:
    return f"{seeds[metric]['std']:.4f} of {seeds['n']}" if seeds["n"] > 1 else "-"
