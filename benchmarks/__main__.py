"""Run benchmarks, each in a process of its own: `python -m benchmarks [NAME ...]`."""

import subprocess
import sys
from typing import Annotated

import typer

from benchmarks import charts, page, results_file

EVALUATE = [
    "streamrec",
    "evaluate",
    "--dataset",
    "ml-100k",
    "--model",
    "gmf,popularity,decayed_popularity",
]

COMMANDS: dict[str, list[str]] = {
    "quality_as_streamed": [*EVALUATE, "--rate", "500"],
    "learning": ["benchmarks.learning.speed"],
    "covisitation": ["benchmarks.learning.covisitation"],
    "exploration": ["benchmarks.quality.exploration"],
    "diversity": ["benchmarks.quality.diversity"],
    "served_list": ["benchmarks.serving.served_list"],
    "experiment_cost": ["benchmarks.serving.experiment_cost"],
    "trainer": ["benchmarks.trainer.throughput"],
    "memory": ["benchmarks.trainer.memory"],
    "item_history": ["benchmarks.trainer.bars"],
    "index": ["benchmarks.index.report"],
    "recommendations": ["benchmarks.serving.recommendations"],
    "serving_curves": ["benchmarks.serving.curves"],
    "similar_items": ["benchmarks.similarity.items"],
    "similar_users": ["benchmarks.similarity.users"],
    "freshness": ["benchmarks.serving.freshness"],
    "freshness_many_users": ["benchmarks.serving.freshness", "--users", "1000000"],
    "page_opened": ["benchmarks.serving.page_opened"],
    "lab_svd": ["benchmarks.lab.svd"],
    "experiments": ["benchmarks.experiments.trials"],
}
"""Name -> module and arguments; each prints a table and writes JSON to the path after ``--json``."""

SERVICES: dict[str, list[str]] = {
    "services": ["benchmarks.services.whole_system"],
    "kafka": ["benchmarks.services.kafka"],
    "stores": ["benchmarks.services.stores"],
    "index_grpc": ["benchmarks.index_grpc.compare"],
    "statsd_cost": ["benchmarks.services.statsd_cost"],
}
"""The same, over real servers out of wheels."""

QUALITY: dict[str, list[str]] = {
    "quality": ["benchmarks.quality.models"],
    "quality_peers": ["benchmarks.quality.peers.compare"],
    "blend_search": ["benchmarks.quality.blend_search"],
    "soak": ["benchmarks.trainer.soak"],
    "experiment_loop": ["benchmarks.experiments.loop"],
    "shown_negatives": ["benchmarks.learning.shown_negatives"],
}
"""Quality of the lists (hours for all data sets and seeds), a soak of twenty minutes, a population that uses
a system whose parts are killed, and twenty minutes of simulated clicks: run only by name."""

ALL = COMMANDS | SERVICES | QUALITY


Names = Annotated[list[str] | None, typer.Argument(help=f"Some of: {', '.join(ALL)}.")]


def main(
    names: Names = None,
    services: Annotated[bool, typer.Option("--services", help="All those over real servers.")] = False,
    peers: Annotated[bool, typer.Option("--peers", help="With quality: quality_peers instead.")] = False,
) -> None:
    """Run benchmarks one after the other; tables on screen, figures in benchmarks/results/NAME.json.

    Without a name: all those of the embedded default but `quality`, `quality_peers`, `blend_search`, `soak`,
    `experiment_loop` and `shown_negatives`, which take long.
    """
    if peers:
        names = ["quality_peers" if name == "quality" else name for name in names or ("quality",)]
    unknown = set(names or ()) - set(ALL)
    if unknown:
        raise typer.BadParameter(f"{', '.join(sorted(unknown))}; there are {', '.join(ALL)}")
    failed = []
    for name in names or (SERVICES if services else COMMANDS):
        typer.secho(f"\n== {name}", bold=True)
        path = results_file.RESULTS / f"{name}.json"
        ended = subprocess.run([sys.executable, "-m", *ALL[name], "--json", str(path)], check=False)
        if ended.returncode:
            failed.append(name)
        else:
            results_file.add_origin(path)
    charts.main()
    page.main()
    if failed:
        typer.secho(f"failed: {', '.join(failed)}", fg="red", err=True)
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
