"""Step `generate-data`: the made-up shop, or a data set of one's own, as files that all other steps read."""

from pathlib import Path

from lab.configuration.lab_settings import LabSettings
from lab.dataset.lab_data import write_data
from lab.generator.writing import write_shop
from lab.steps.step import Outcome, Step, StepRun
from streamrec.datasets.files.parts import hash_of
from streamrec.datasets.named import ML_100K
from streamrec.datasets.open_dataset import open_dataset

GENERATOR = "generator"


def _run(run: StepRun) -> Outcome:
    name = run.settings.data.dataset
    if name == GENERATOR:
        return Outcome(write_shop(run.settings.generator, run.output, run.bar))
    events = open_dataset(name)
    for line in events.report.summary():
        run.say(line)
    write_data(run.output, events)
    return Outcome(
        {
            "n_events": len(events),
            "n_users": len(events.users.names),
            "n_items": len(events.items.names),
            "source": events.name,
            "source_hash": events.content_hash,
        }
    )


def _source(settings: LabSettings) -> dict[str, str]:
    """Return the hash of a file of one's own: when it changes, the data is out of date."""
    name = settings.data.dataset
    path = Path(name)
    return {} if name in {GENERATOR, ML_100K} or not path.exists() else {f"file {name}": hash_of(path)}


GENERATE_DATA = Step(
    name="generate-data",
    title="Draw the made-up shop, or take a data set of one's own (data.dataset).",
    output="data",
    sections=("data", "generator"),
    run=_run,
    sources=_source,
)
