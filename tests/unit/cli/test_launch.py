"""What a launch records of the events that it learned."""

from pathlib import Path

import pytest

from streamrec.adapters.files.snapshots import current_generation, read_manifest
from streamrec.cli.launch import launch
from streamrec.cli.launch.owner import Owner
from streamrec.datasets.open_dataset import open_dataset
from streamrec.datasets.synthetic import SyntheticStream
from streamrec.datasets.synthetic_events import write_synthetic

N_EVENTS = 601  # no hold-out of these is a whole number of events


@pytest.mark.usefixtures("in_an_empty_folder")
@pytest.mark.parametrize("until_fraction", [0.5, 0.8])
def test_a_generation_tells_how_much_of_the_events_was_learned(
    until_fraction: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Else the logs of the tests after this one would go where those of a launch do.
    monkeypatch.setattr(launch, "configure_logging", lambda *_: None)
    write_synthetic(SyntheticStream(N_EVENTS, n_users=30, n_items=40), Path("clicks.csv"))
    events = open_dataset("clicks.csv")
    monkeypatch.setenv("STREAMREC_LEARNING_EMBEDDING_DIM", "8")
    launch._learn(events, until_fraction, {})
    artifacts_dir = Path("var/artifacts")
    generation = current_generation(artifacts_dir)
    assert generation is not None
    learned = read_manifest(artifacts_dir, generation).provenance["data"]
    assert learned["n_events"] == events.split_at(until_fraction)
    assert learned["until_fraction"] == until_fraction
    # A folder without a record of its data set goes by the generation.
    assert Owner(Path("var/replay"), artifacts_dir).claim(events, 1.0) == until_fraction
