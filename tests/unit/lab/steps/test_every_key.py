"""Every key of `lab.toml` changes what the first step that reads it puts out."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from lab.configuration.lab_settings import LabSettings
from lab.configuration.reading import all_keys, read_lab_settings, value_of
from lab.model_files import save_model
from lab.scoring.scoring_model import history_of
from lab.steps.manifest import data_hash, files_in
from lab.steps.registry import APART, STEPS
from lab.steps.step import Step, StepRun
from lab.steps.tables import read_table
from lab.training.batch_lists import lists_file, write_fallback, write_lists
from lab.training.configured_models import SINGLE, wanted_models
from lab.training.split_data import joined, rules_of, split_of
from lab.training.training import Given, model_file, train_hybrid, train_single, validation_of
from tests.unit.lab.generator.shop_world import no_bar

TINY = (
    "generator.n_users=40", "generator.n_products=60", "generator.n_editorial=20",
    "generator.n_interactions=900", "generator.rows_per_part=300", "models.als.iterations=2",
    "models.streaming.replayed=1", "models.ease.max_items=30", "models.session_knn.neighbours=3",
    "models.session_knn.sample=5", "models.session_knn.last=2", "models.content.max_terms=20",
    "models.svd.dims=4", "models.svd.neighbours=4", "models.item_cf.neighbours=3", "tuning.n_settings=2",
    "models.hybrid.candidates=5", "recommendations.models=['popularity', 'als', 'ease']",
    "recommendations.k=20", "evaluation.segments.light=12", "evaluation.min_coverage=1",
    "evaluation.min_diversity=1", "experiments.n_users=20",
)  # fmt: skip
"""Little data, and bounds that it reaches."""

OTHER = {
    "data.dataset": "own.csv",
    "generator.start": "2023-01-01", "generator.price_tiers": "{low=5}", "generator.drift.kind": "preference",
    "generator.editorial_kinds": "{article=1}", "generator.min_topics": "3", "generator.max_topics": "2",
    "generator.product_funnel": "{impression=3, click=2, cart=1, purchase=1}",
    "generator.editorial_funnel": "{click=1, read=0.9}", "generator.n_categories": "9",
    "generator.rows_per_part": "20", "features.windows_days": "[7]", "features.snapshot_days": "90",
    "models.trained": "['ease']", "models.products_only": "false", "models.weights": "{purchase=1}",
    "models.hybrid.learned": "false", "models.hybrid.weights": "{popularity=1, als=0, item_cf=0, content=0}",
    "models.streaming.replayed": "0", "recommendations.models": "['als']", "evaluation.k": "[5]",
    "evaluation.segments.light": "1", "evaluation.segments.heavy": "100", "evaluation.control_model": "als",
    "experiments.control_model": "als", "experiments.variants": "['als']",
    "experiments.interleaving_k": "3", "experiments.interleaving_n_users": "9",
    "experiments.noise": "0.5",
}  # fmt: skip
"""Another value for what is no number; numbers are halved or raised by one."""

GIVEN = {
    "generator.drift.at": "generator.drift.kind=popularity",
    "generator.drift.share": "generator.drift.kind=popularity",
    "models.content.min_items": "models.content.max_terms=1000",
}
"""Setting without which a key does nothing."""

MODELS_OF = {"streaming": "streamed_gmf"}
"""Section of `models` -> the model that reads it, where it is called otherwise."""

BY_TRAINING = ("models.trained", "models.hybrid.learned", "models.hybrid.weights", "models.hybrid.candidates")
"""Keys about several models: seen in the lists of all that are trained."""

MADE_OF_SETTINGS = {"alpha", "control", "factors", "regularization", "fit_cpu_s"}
"""What results repeat of the settings, or is of chance."""


def made_by(step: Step, settings: LabSettings, folder: Path, output: Path) -> str:
    """Return what a step puts out, but for what repeats the settings."""
    output.mkdir()
    run = StepRun(settings, output, {name: folder / name for name in step.inputs}, no_bar, lambda line: None)
    outcome = step.run(run)
    results = [_plain(msgspec.json.decode(path.read_bytes())) for path in sorted(output.glob("*.json"))]
    parts = "" if results else data_hash(files_in(output))
    return repr((parts, results, sorted(outcome.findings)))


def _plain(result: object) -> object:
    if isinstance(result, Mapping):
        return {key: _plain(value) for key, value in result.items() if key not in MADE_OF_SETTINGS}
    return [_plain(one) for one in result] if isinstance(result, list) else result


def listed_by(key: str, settings: LabSettings, folder: Path) -> str:
    """Return the lists of the model that reads a key of `models`, or else of ALS."""
    section = key.split(".")[1]
    name = MODELS_OF.get(section, section if key.count(".") > 1 else "als")
    split = split_of(folder / "data", settings)
    model = SINGLE[name](settings)
    model.learn(history_of(joined(split), split.training.catalog, rules_of(settings)))
    lists = model.lists(np.arange(len(model.matrix.users)), 10)
    return repr((lists.columns.tolist(), lists.scores.tolist()))


def trained_lists(settings: LabSettings, folder: Path, models: Path) -> str:
    """Return the lists of all models that are trained, hybrids included."""
    models.mkdir()
    split, rules = split_of(folder / "data", settings), rules_of(settings)
    before, full = (
        history_of(part, split.training.catalog, rules) for part in (split.training, joined(split))
    )
    given, lists = Given(full, validation_of(before, split.validation)), {}
    for name in wanted_models(settings):
        (train_single if name in SINGLE else train_hybrid)(name, settings, models, given)
        write_lists(models, name, 10, models)
        lists[name] = read_table(lists_file(models, name)).to_pydict()
    return repr(lists)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data, two models and their lists: inputs of all steps."""
    made = tmp_path_factory.mktemp("lab")
    settings = read_lab_settings(overrides=TINY)
    made_by(STEPS[0], settings, made, made / "data")
    split = split_of(made / "data", settings)
    history = history_of(joined(split), split.training.catalog, rules_of(settings))
    (made / "models").mkdir()
    for name in settings.recommendations.models:
        model = SINGLE[name](settings)
        model.learn(history)
        save_model(model, model_file(made / "models", name))
        write_lists(made / "models", name, 20, made / "recommendations")
    write_fallback(made / "models", "popularity", 20, made / "recommendations")
    return made


def reader_of(key: str) -> Step:
    """Return the first step that reads a key; there has to be one."""

    def reads(step: Step) -> bool:
        return any(f"{key}.".startswith(f"{section}.") for section in step.sections)

    return next(step for step in (*STEPS, *APART) if reads(step))


def observed(key: str, folder: Path, tmp_path: Path) -> Callable[[str, tuple[str, ...]], str]:
    step = reader_of(key)

    def told(name: str, overrides: tuple[str, ...]) -> str:
        settings, output = read_lab_settings(overrides=[*TINY, *overrides]), tmp_path / name
        if step.output != "models":
            return made_by(step, settings, folder, output)
        if key in BY_TRAINING:
            return trained_lists(settings, folder, output)
        return listed_by(key, settings, folder)

    return told


def _marked(key: str) -> Any:
    # Its step starts a process for each list.
    is_slow = reader_of(key).output == "recommendations"
    return pytest.param(key, marks=pytest.mark.nightly) if is_slow else key


@pytest.mark.parametrize("key", [_marked(key) for key in all_keys()])
def test_every_key_has_an_effect(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("own.csv").write_text("user_id,item_id,timestamp\nu,i,5\n")
    given = (GIVEN[key],) if key in GIVEN else ()
    value: Any = value_of(read_lab_settings(overrides=TINY), key)
    other = OTHER.get(key) or str(value / 2 if isinstance(value, float) else value + 1)
    told = observed(key, folder, tmp_path)
    plain = told("plain", given)
    assert told("again", given) == plain
    assert told("other", (*given, f"{key}={other}")) != plain
