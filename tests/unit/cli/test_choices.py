import re
from pathlib import Path

import pytest

from streamrec.errors import ConfigurationError
from streamrec.settings.processes import TrainerSettings
from streamrec.settings.reading import GROUPS, PREFIX, read_settings

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("variable", ["STREAMREC_TRAINER_MAX_BATCH", "STREAMREC_COVISITATION_N_KEPT"])
def test_the_variable_that_is_wrong_is_named(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, "-7")
    with pytest.raises(ConfigurationError, match=f"^{variable}: "):
        read_settings(TrainerSettings)


def test_a_group_reads_variables_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STREAMREC_COVISITATION_N_KEPT", "64")
    assert read_settings(TrainerSettings).covisitation.n_kept == 64


@pytest.mark.parametrize(
    ("variable", "words"),
    [
        ("STREAMREC_TRAINER_MAX_BATHC", "perhaps STREAMREC_TRAINER_MAX_BATCH was meant"),
        ("STREAMREC_STORE_ULR", "perhaps STREAMREC_STORE_URL was meant"),
        ("STREAMREC_COVISITATION_N_KEEPT", "perhaps STREAMREC_COVISITATION_N_KEPT was meant"),
        ("STREAMREC_ZZZ", "no setting STREAMREC_ZZZ; docs"),
        ("STREAMREC_", "no setting STREAMREC_;"),
    ],
)
def test_a_variable_that_nobody_reads_is_an_error(
    variable: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "7")
    with pytest.raises(ConfigurationError, match=words):
        read_settings(TrainerSettings)


@pytest.mark.parametrize(
    "variable",
    [
        "STREAMREC_API_KEY",
        "streamrec_store_url",
        "STREAMREC_RECOMMENDER_SERVICE_HOST",
        "STREAMREC_INDEX_PORT_8100_TCP_ADDR",
        "STREAMREC_PORT",
        "RECOMMENDER_PORT",
    ],
)
def test_variables_of_others_are_passed_over(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, "7")
    read_settings(TrainerSettings)


def test_every_group_of_settings_is_known_to_all_processes() -> None:
    sources = [
        path
        for folder in ("streamrec", "recommender_server", "faiss_server", "lab")
        for path in (ROOT / folder).rglob("*.py")
    ]
    prefixes = {
        found for path in sources for found in re.findall(r'env_prefix="(\w+)"', path.read_text("utf-8"))
    }
    assert prefixes - {PREFIX} == {PREFIX + group for group in GROUPS}
