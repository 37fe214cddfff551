"""The configuration: what is wrong with it is said in one line that names the key and a way out."""

from pathlib import Path

import pytest

from lab.configuration.lab_settings import LabSettings
from lab.configuration.reading import all_keys, read_lab_settings, value_of
from streamrec.errors import ConfigurationError


def test_defaults_are_those_of_the_reference_laboratory() -> None:
    settings = LabSettings()
    wanted = {
        "generator.n_users": 100_000,
        "generator.n_products": 10_000,
        "generator.n_editorial": 1_000,
        "generator.n_interactions": 3_000_000,
        "generator.seed": 42,
        "generator.product_exponent": 1.2,
        "generator.editorial_exponent": 1.1,
        "generator.session_exponent": 1.5,
        "generator.product_share": 0.8,
        "generator.primary_affinity": 0.7,
        "generator.preferred_affinity": 0.6,
        "models.als.factors": 64,
        "models.als.iterations": 20,
        "models.item_cf.neighbours": 50,
        "models.hybrid.weights": {"popularity": 0.1, "als": 0.4, "item_cf": 0.3, "content": 0.2},
        "recommendations.k": 20,
        "evaluation.k": [10, 20],
        "evaluation.min_coverage": 0.05,
        "evaluation.min_diversity": 0.3,
        "experiments.control_model": "popularity",
        "experiments.alpha": 0.05,
        "experiments.interleaving_k": 20,
        "experiments.interleaving_n_users": 200,
    }
    assert {key: value_of(settings, key) for key in wanted} == wanted
    assert set(wanted) <= set(all_keys())


def test_a_file_and_what_is_set_on_top_of_it(tmp_path: Path) -> None:
    path = tmp_path / "lab.toml"
    path.write_text("[generator]\nn_users = 7\nstart = 2024-03-01\n[models.als]\nfactors = 3\n")
    settings = read_lab_settings(path, ["generator.n_users=8", "generator.product_funnel.click=.3"])
    assert (settings.generator.n_users, settings.models.als.factors) == (8, 3)
    assert settings.generator.product_funnel["click"] == 0.3
    assert settings.generator.product_funnel["impression"] == 0.6, "the table's other keys stay"
    assert settings.generator.start.month == 3
    assert read_lab_settings(path, ["models.trained=['als']"]).models.trained == ["als"]
    assert read_lab_settings(path, ["evaluation.control_model=als"]).evaluation.control_model == "als"


@pytest.mark.parametrize(
    ("override", "told"),
    [
        ("generator.n_user=3", "there is no key generator.n_user; perhaps generator.n_users was meant"),
        ("generatr.n_users=3", "there is no key generatr; perhaps generator was meant"),
        ("models.als.factor=3", "perhaps models.als.factors was meant"),
        ("seed=3", "there is no key seed; perhaps generator.seed was meant"),
        ("zzz=3", "there is no key zzz; sections are data, "),
        ("generator.n_users.x=3", "there is no key generator.n_users.x; perhaps generator.n_users"),
        ("generator.n_users=many", "generator.n_users = 'many': expected `int`, got `str`"),
        ("generator.n_users=0", "generator.n_users = 0: expected `int` >= 1"),
        ("generator.n_users=true", "generator.n_users = True: expected `int`, got `bool`"),
        ("generator.product_exponent=nan", "generator.product_exponent = nan"),
        ("generator.product_exponent=inf", "generator.product_exponent = inf"),
        ("generator.drift.kind=sudden", "'sudden': wanted one of none, preference, popularity"),
        ("generator.start=2024-02-30", "generator.start = '2024-02-30'"),
        ("generator.price_tiers={low='a'}", "generator.price_tiers"),
        ("generator.price_tiers.low=-1", "price_tiers.low is -1.0"),
        ("generator.product_funnel.click=.9", "product_funnel rises from one stage to the next"),
        ("generator.product_funnel.view=.9", "wanted impression, click, cart, purchase"),
        ("generator.n_products=49", "one for each of the 50 subcategories"),
        ("generator.n_editorial=0", "n_editorial is 0; then product_share has to be 1"),
        ("generator.min_topics=4", "min_topics is 4, max_topics 3"),
        ("generator=3", "generator = 3: expected a section"),
        ("features.windows_days=[7, 'x']", "features.windows_days[1] = [7, 'x']"),
        ("features.windows_days=[7, 3]", "wanted rising numbers"),
        ("split.validation=.95", "nothing is left to train on"),
        ("models.hybrid.weights={als=1}", "wanted popularity, als, item_cf, content"),
        ("evaluation.segments.light=20", "wanted a larger number for heavy"),
        ("generator.product_funnel={click=.9}", "{click=.9} is no TOML"),
        ("generator.n_users", "wanted section.key=value"),
        ("=3", "wanted section.key=value"),
        ("generator.n_users=" + "[" * 1000, "is no TOML: it is nested too deeply"),
        ("generator.n_users=" + "1" * 5000, "generator.n_users"),
    ],
)
def test_a_wrong_key_or_value_is_named(override: str, told: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        read_lab_settings(overrides=[override])
    assert str(raised.value).startswith("--set")
    assert told in str(raised.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"[generator]\nn_users = 'a'\n", "lab.toml: generator.n_users = 'a': expected `int`"),
        (b"[generator\n", "can't be read"),
        (b"\xff\xfe", "can't be read"),
        (b"a = " + b"[" * 1000, "can't be read: it is nested too deeply"),
        (b"a = " + b"1" * 5000, "can't be read"),
        (b"[split]\ntest = 2\n", "split.test = 2"),
        (b"[[models]]\n", "models"),
    ],
)
def test_a_wrong_file_is_named(tmp_path: Path, text: bytes, told: str) -> None:
    path = tmp_path / "lab.toml"
    path.write_bytes(text)
    with pytest.raises(ConfigurationError, match=r"lab\.toml") as raised:
        read_lab_settings(path)
    assert told in str(raised.value)


def test_a_file_that_is_named_has_to_be_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError, match="there is no"):
        read_lab_settings(tmp_path / "lab.toml")
    monkeypatch.chdir(tmp_path)
    assert read_lab_settings() == LabSettings()
    (tmp_path / "lab.toml").write_text("[split]\ntest = 0.2\n")
    assert read_lab_settings().split.test == 0.2
