import pytest

from streamrec.errors import ConfigurationError
from streamrec.settings.processes import TrainerSettings
from streamrec.settings.reading import read_settings


@pytest.mark.parametrize("variable", ["STREAMREC_TRAINER_MAX_BATCH", "STREAMREC_COVISITATION_N_KEPT"])
def test_the_variable_that_is_wrong_is_named(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, "-7")
    with pytest.raises(ConfigurationError, match=f"^{variable}: "):
        read_settings(TrainerSettings)


def test_a_group_reads_variables_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STREAMREC_COVISITATION_N_KEPT", "64")
    assert read_settings(TrainerSettings).covisitation.n_kept == 64
