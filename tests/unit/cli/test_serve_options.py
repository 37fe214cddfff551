from pathlib import Path

import pytest

from streamrec.cli.files.options import WEIGHTS_VARIABLE
from streamrec.cli.serve.options import Given, ServeOptions, settled
from streamrec.errors import ConfigurationError, InvalidDataset, InvalidInput

NOTHING = Given(None, None, None, None, None, None, None, [])

CONFIGURATION = """
[weights]
view = 0.25

[serve]
port = 9000
workers = 3
bind = "::"
log_dir = "logs"
keys_file = "keys"
without = ["index"]
"""


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    # What is put into the environment is gone after the test.
    for variable in (WEIGHTS_VARIABLE, "STREAMREC_API_KEYS_FILE", "STREAMREC_ADMIN_KEYS_FILE"):
        monkeypatch.setenv(variable, "")
        monkeypatch.delenv(variable)


def settled_by(text: str, given: Given = NOTHING) -> ServeOptions:
    folder = Path("etc")
    folder.mkdir(exist_ok=True)
    (folder / "streamrec.toml").write_text(text)
    return settled(given, folder / "streamrec.toml")


def test_without_any_all_is_as_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECOMMENDER_PORT", "7000")
    options = settled(NOTHING, None)
    assert (options.ports.recommender_port, options.ports.index_port) == (7000, 8100)
    assert (options.bind, options.n_workers, options.log_dir, options.without) == (
        "127.0.0.1", 1, None, frozenset(),
    )  # fmt: skip


def test_a_configuration_counts_before_the_environment_and_its_paths_begin_where_it_lies(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RECOMMENDER_PORT", "7000")
    options = settled_by(CONFIGURATION)
    assert options.ports.recommender_port == 9000
    assert (options.bind, options.n_workers) == ("[::]", 3)
    assert options.log_dir == Path("etc/logs")
    assert options.without == {"index"}


def test_the_command_line_counts_before_the_configuration() -> None:
    given = NOTHING._replace(
        port=9100, workers=1, bind="127.0.0.1", log_dir=Path("here"), without=["history"]
    )
    options = settled_by(CONFIGURATION, given)
    assert options.ports.recommender_port == 9100
    assert (options.bind, options.n_workers, options.log_dir) == ("127.0.0.1", 1, Path("here"))
    assert options.without == {"index", "history"}


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ("port = 0", "from 1 to 65535, not 0"),
        ("index_port = 70000", "not 70000"),
        ("workers = 0", "at least 1"),
        ('without = ["webshop"]', "'webshop' to leave out; there are index, recommender"),
        ("workerz = 2", "perhaps 'workers' was meant"),
        ('port = "x"', r"\$\.serve\.port"),
    ],
)
def test_what_is_wrong_is_named(section: str, words: str) -> None:
    with pytest.raises((InvalidInput, InvalidDataset, ConfigurationError), match=words):
        settled_by(f"[serve]\n{section}\n")
