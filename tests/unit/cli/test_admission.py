"""A history that holds far less than the live generation knows replaces nothing."""

import os
import random
from pathlib import Path

import pytest

from streamrec.adapters.files.snapshots import current_generation
from streamrec.cli.retraining.joined_history import history_of_stream
from streamrec.cli.training.initial import train
from streamrec.cli.training.initial_history import history_of, no_history
from streamrec.datasets.open_dataset import open_dataset
from streamrec.errors import RefusedGeneration
from streamrec.learning.initial.fit import FitOptions
from streamrec.promotion.admission import HistorySize, enough_to_replace, size_of_live
from streamrec.settings.processes import LocationSettings
from tests.erasure_system import ErasureSystem

CROWD = [(f"v{n % 12}", f"i{n % 7}") for n in range(120)]


@pytest.fixture
def system(own_system: ErasureSystem) -> ErasureSystem:
    own_system.send(*CROWD)
    train(history_of_stream(LocationSettings()), FitOptions(max_epochs=1), None)
    own_system.generation = str(current_generation(own_system.folder))
    return own_system


def train_on(
    file: Path, system: ErasureSystem, *, is_demanded: bool = True, as_challenger: bool = False
) -> None:
    admission = enough_to_replace(system.folder, is_demanded=is_demanded)
    history = history_of(open_dataset(file), 1.0)
    train(history, FitOptions(), None, as_challenger=as_challenger, admission=admission)


def test_what_streamed_since_counts_as_known(system: ErasureSystem) -> None:
    assert size_of_live(system.folder) == HistorySize(120, 12)
    system.start()
    system.send(*CROWD[:24], ("new", "i1"))
    system.catch_up()
    system.stop()
    assert size_of_live(system.folder) == HistorySize(145, 13)
    assert size_of_live(system.folder / "nothing") is None


def test_a_short_history_leaves_the_live_generation(system: ErasureSystem) -> None:
    short = system.folder / "short.csv"
    short.write_text("user_id,item_id,timestamp\n" + "".join(f"u,i{n % 3},{n}\n" for n in range(30)))
    names = set(os.listdir(system.folder))
    with pytest.raises(
        RefusedGeneration, match="30 events of 1 users, less than 50 %.* 120 events of 12 users"
    ):
        train_on(short, system)
    assert current_generation(system.folder) == system.generation
    assert set(os.listdir(system.folder)) == names, "and leaves nothing behind"
    train_on(short, system, is_demanded=False, as_challenger=True)
    assert current_generation(system.folder) == system.generation
    train_on(short, system, is_demanded=False)
    assert current_generation(system.folder) != system.generation


def test_an_empty_model_replaces_none_that_knows_anything(system: ErasureSystem) -> None:
    with pytest.raises(RefusedGeneration, match="0 events of 0 users"):
        train(no_history(), FitOptions(), None, admission=enough_to_replace(system.folder, is_demanded=True))
    assert current_generation(system.folder) == system.generation


def test_many_events_of_few_users_are_a_short_history(system: ErasureSystem) -> None:
    few = system.folder / "few.csv"
    few.write_text("user_id,item_id,timestamp\n" + "".join(f"u{n % 5},i{n % 7},{n}\n" for n in range(500)))
    with pytest.raises(RefusedGeneration, match="500 events of 5 users"):
        train_on(few, system)
    assert current_generation(system.folder) == system.generation


@pytest.mark.parametrize("n_items", [6, 80])
def test_a_model_that_ranks_no_better_than_popularity_is_told_of(
    own_system: ErasureSystem, n_items: int, capsys: pytest.CaptureFixture[str]
) -> None:
    # Of 6 items a list of ten holds every one, whoever made it; of 80 each user chooses from one half.
    chance = random.Random(3)
    rows = [
        f"u{user},i{2 * chance.randrange(n_items // 2) + user % 2},{n}\n"
        for n in range(3000)
        for user in [chance.randrange(60)]
    ]
    file = own_system.folder / "events.csv"
    file.write_text("user_id,item_id,timestamp\n" + "".join(rows))
    train(history_of(open_dataset(file), 1.0), FitOptions(max_epochs=2), None)
    told = capsys.readouterr()
    assert ("the model ranks no better than popularity" in told.out + told.err) is (n_items == 6)
