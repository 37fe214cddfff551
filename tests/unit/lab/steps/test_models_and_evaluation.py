"""Steps from data to judgement: trained models, lists in Parquet, metrics, findings."""

from pathlib import Path

import msgspec
import pytest

from lab.configuration.reading import read_lab_settings
from lab.evaluation.judgement import Judgement
from lab.model_files import load_model
from lab.models_file import FORMAT, ModelsFile, write_models_file
from lab.steps.evaluate import RESULT
from lab.steps.registry import STEPS
from lab.steps.running import FailedChecks, Laboratory
from lab.steps.tables import read_table
from streamrec.errors import InvalidInput
from tests.unit.lab.steps.grouped_data import DATA, run_all
from tests.unit.lab.steps.test_running import World, no_bar

FEW = (
    'models.trained=["popularity", "ease", "hybrid_learned"]',
    "models.ease.regularization=5",
    "recommendations.k=20",
)


def laboratory(world: World, *overrides: str) -> Laboratory:
    settings = read_lab_settings(overrides=(*FEW, *overrides))
    rest = tuple(step for step in STEPS if step.output in {"models", "recommendations", "evaluation"})
    return Laboratory((DATA, *rest), world.folder, settings, no_bar, world.said.append)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> World:
    return run_all(laboratory, tmp_path_factory)


def test_models_are_trained_and_their_costs_are_told(made: World) -> None:
    names = ("popularity", "ease", "hybrid_learned")
    for name in names:
        model = load_model(made.folder / f"models/{name}.npz")
        assert model.recommend("u1")
        assert any(line.startswith(f"{name}: ") and "peak memory" in line for line in made.said)
    assert not list((made.folder / "models").glob(".*"))
    weights = msgspec.json.decode((made.folder / "models/hybrid_weights.json").read_bytes())
    assert weights["ndcg"] >= max(weights["of_models"].values())
    assert set(weights["of_models"]) == set(names) - {"hybrid_learned"}


def test_models_see_products_alone_unless_they_are_told_otherwise(made: World) -> None:
    model = load_model(made.folder / "models/popularity.npz")
    assert not any("article" in item.id for item in model.recommend("u1", 100))
    everything = World(made.folder.parent / "everything")
    lab = laboratory(
        everything,
        "models.products_only=false",
        "models.weights={click = 1.0}",
        'models.trained=["popularity"]',
    )
    for step in lab.steps[:2]:
        lab.run(step)
    model = load_model(everything.folder / "models/popularity.npz")
    assert any("article" in item.id for item in model.recommend("u1", 100, exclude_seen=False))
    assert any(line.endswith("events of type purchase do not count: models.weights does not name it")
               for line in everything.said)  # fmt: skip


def test_lists_are_those_of_the_models_in_order(made: World) -> None:
    table = read_table(made.folder / "recommendations/ease.parquet").to_pydict()
    model = load_model(made.folder / "models/ease.npz")
    for user in ("u1", "u17"):
        own = [n for n, user_id in enumerate(table["user_id"]) if user_id == user]
        assert [table["rank"][n] for n in own] == list(range(1, len(own) + 1))
        assert [table["item_id"][n] for n in own] == [item.id for item in model.recommend(user, 20)]
    fallback = read_table(made.folder / "recommendations/fallback.parquet").to_pydict()
    assert len(fallback["item_id"]) == 20


def test_models_are_judged_and_guardrails_are_told(made: World) -> None:
    judgement = msgspec.json.decode((made.folder / "evaluation" / RESULT).read_bytes(), type=Judgement)
    assert set(judgement.models) == {"popularity", "ease", "hybrid_learned"}
    ndcg = {name: judged.metrics["ndcg_at_10"].mean for name, judged in judgement.models.items()}
    assert ndcg["ease"] > 1.5 * ndcg["popularity"]  # there are groups that popularity knows nothing of
    assert len(judgement.comparisons) == 3
    assert {"precision_at_20", "recall_at_10"} <= set(judgement.models["ease"].metrics)


def test_broken_guardrails_fail_a_strict_run(made: World) -> None:
    lab = laboratory(made, "evaluation.k=[1]", "evaluation.min_coverage=1")
    evaluate = lab.maker_of("evaluation")
    lab.run(evaluate)
    with pytest.raises(FailedChecks, match="evaluate"):
        lab.run(evaluate, is_strict=True)
    assert any("guardrail: catalog_coverage_at_1 of ease" in line for line in made.said)
    assert not any("of popularity is" in line for line in made.said)


@pytest.mark.parametrize(
    ("override", "step", "told"),
    [
        ('models.trained=["popularity", "alz"]', "models", "names alz; there are popularity, als"),
        ('models.trained=["hybrid", "als"]', "models", "but not its parts content, item_cf, popularity"),
        ('models.trained=["hybrid_learned"]', "models", "no model to make it of"),
        ("models.weights={read = 1.0}", "models", "no event counts: .* none of the types .*purchase"),
        ('recommendations.models=["als"]', "recommendations", "names als; there are ease, hybrid"),
        ("evaluation.control_model=als", "evaluation", "control_model is als; there are lists of ease"),
        ("evaluation.k=[10, 50]", "evaluation", r"recommendations\.k"),
    ],
)
def test_what_is_asked_for_and_not_there_is_named(made: World, override: str, step: str, told: str) -> None:
    lab = laboratory(made, override)
    with pytest.raises(InvalidInput, match=told):
        lab.run(lab.maker_of(step), again=True, accepts_other_inputs=True)


def test_the_comparison_for_the_page_holds_judgement_and_costs(made: World) -> None:
    lab = laboratory(made)
    path = write_models_file(lab)
    found = msgspec.json.decode(path.read_bytes(), type=ModelsFile)
    names = {"popularity", "ease", "hybrid_learned"}
    assert found.format == FORMAT
    assert set(found.judgement["models"]) == names
    assert set(found.training) == names
    assert found.training["ease"]["peak_bytes"] > 0
    assert found.judgement == msgspec.json.decode((made.folder / "evaluation" / RESULT).read_bytes())


def test_without_an_evaluation_there_is_no_comparison(tmp_path: Path) -> None:
    world = World(tmp_path / "lab")
    with pytest.raises(InvalidInput, match="make it with: python -m lab evaluate"):
        write_models_file(laboratory(world))
