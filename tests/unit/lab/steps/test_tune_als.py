"""Search for settings of ALS: what is told is what such a model does on the validation part."""

from math import log2
from pathlib import Path

import msgspec
import pytest

from lab.configuration.reading import read_lab_settings
from lab.scoring.als import AlsModel, AlsOptions
from lab.steps.running import Laboratory
from lab.steps.tune_als import RESULT, TUNE_ALS
from lab.training.split_data import rules_of, split_of
from lab.training.tuning import TriedAls, TunedAls, drawn_settings
from streamrec.errors import InvalidInput
from tests.unit.lab.steps.grouped_data import DATA, run_all
from tests.unit.lab.steps.test_running import World, no_bar

FEW = ("tuning.n_settings=4", "models.als.factors=3", "models.als.iterations=3")


def laboratory(world: World, *overrides: str) -> Laboratory:
    settings = read_lab_settings(overrides=(*FEW, *overrides))
    return Laboratory((DATA, TUNE_ALS), world.folder, settings, no_bar, world.said.append)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> World:
    return run_all(laboratory, tmp_path_factory)


def result(folder: Path) -> TunedAls:
    return msgspec.json.decode((folder / "tuning" / RESULT).read_bytes(), type=TunedAls)


def test_settings_are_told_best_first_the_configured_ones_among_them(made: World) -> None:
    tried = result(made.folder).tried
    assert len(tried) == 4
    assert [one.ndcg for one in tried] == sorted((one.ndcg for one in tried), reverse=True)
    assert sum((one.factors, one.regularization, one.alpha) == (3, 0.05, 10.0) for one in tried) == 1
    assert all(one.low <= one.ndcg <= one.high for one in tried)
    assert tried[0].ndcg > tried[-1].ndcg


def test_what_is_said_trains_with_the_best_settings(made: World) -> None:
    best = result(made.folder).tried[0]
    assert any(best.options() in line for line in made.said)
    settings = read_lab_settings(overrides=best.options().replace("--set ", "").split()).models.als
    assert (settings.factors, settings.regularization, settings.alpha) == (
        best.factors,
        best.regularization,
        best.alpha,
    )


def plain_ndcg(made: World, one: TriedAls) -> float:
    """Return the NDCG@10 of such a model, user by user, from the events themselves."""
    settings = laboratory(made).settings
    split = split_of(made.folder / "data", settings)
    model = AlsModel(AlsOptions(rules_of(settings), one.factors, 3, one.regularization, one.alpha))
    model.fit(split.training, split.training.catalog)
    seen = {(event.user_id, event.item_id) for event in split.training if event.type != "impression"}
    chosen: dict[str, set[str]] = {}
    for event in split.validation:
        if event.type != "impression" and (event.user_id, event.item_id) not in seen:
            chosen.setdefault(event.user_id, set()).add(event.item_id)
    total = 0.0
    for user, wanted in chosen.items():
        shown = [scored.id for scored in model.recommend(user, 10)]
        gain = sum(1 / log2(position + 2) for position, item in enumerate(shown) if item in wanted)
        total += gain / sum(1 / log2(position + 2) for position in range(min(10, len(wanted))))
    return total / len(chosen)


def test_the_figures_are_those_of_a_plain_count(made: World) -> None:
    for one in result(made.folder).tried:
        assert one.ndcg == pytest.approx(plain_ndcg(made, one), abs=1e-6)


def test_equal_seeds_draw_equal_settings() -> None:
    drawn, again, other = (
        drawn_settings(read_lab_settings(overrides=[f"tuning.seed={seed}"])) for seed in (1, 1, 2)
    )
    assert drawn == again != other
    assert len({(one.factors, one.regularization, one.alpha) for one in drawn}) == 20
    assert drawn[0] == other[0] == read_lab_settings().models.als


def test_without_anybody_to_judge_by_it_is_refused(made: World) -> None:
    lab = laboratory(made, "split.validation=0")
    with pytest.raises(InvalidInput, match=r"raise split\.validation"):
        lab.run(TUNE_ALS)
