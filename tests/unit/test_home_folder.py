"""Settings that begin at a home folder."""

from pathlib import Path

import pytest

from streamrec.errors import ConfigurationError
from streamrec.settings.processes import LocationSettings
from streamrec.settings.reading import read_settings

URLS = ["STREAMREC_EVENTS_URL", "STREAMREC_CHANGELOG_URL", "STREAMREC_STORE_URL", "STREAMREC_CACHE_URL"]
PATHS = ["STREAMREC_ARTIFACTS_DIR", "STREAMREC_API_KEYS_FILE", "STREAMREC_ADMIN_KEYS_FILE"]


def value_of(variable: str) -> object:
    return getattr(read_settings(LocationSettings), variable.removeprefix("STREAMREC_").lower())


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("variable", URLS)
def test_a_file_of_a_url_is_in_the_home_folder(
    variable: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "sqlite:///~/rec/store.db")
    assert value_of(variable) == f"sqlite:///{home}/rec/store.db"
    monkeypatch.setenv(variable, "sqlite:////~/store.db")
    assert value_of(variable) == "sqlite:////~/store.db"
    monkeypatch.setenv(variable, "redis://host/~")
    assert value_of(variable) == "redis://host/~"


@pytest.mark.parametrize("variable", PATHS)
def test_a_path_is_in_the_home_folder(variable: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, "~/m")
    assert value_of(variable) == home / "m"
    monkeypatch.setenv(variable, "~root/m")
    assert value_of(variable) == Path("~root").expanduser() / "m"
    monkeypatch.setenv(variable, "./~/m")
    assert value_of(variable) == Path("./~/m")


@pytest.mark.parametrize("variable", [*URLS, *PATHS])
def test_a_user_that_there_is_not_is_told(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    place = "~nobody-of-this-name/x"
    monkeypatch.setenv(variable, f"sqlite:///{place}" if variable in URLS else place)
    with pytest.raises(
        ConfigurationError, match=f"{variable}: .*nobody has a home folder ~nobody-of-this-name"
    ):
        value_of(variable)


def test_the_changelog_stands_beside_the_events(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STREAMREC_EVENTS_URL", "sqlite:///~/rec/events.db")
    assert read_settings(LocationSettings).vectors_url == f"sqlite:///{home}/rec/changelog.db"
