from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.erasure_system import ErasureSystem


@pytest.fixture
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in a folder where nothing lies, as somebody who begins does."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def own_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ErasureSystem]:
    """Return a system in a folder of its own, where all settings lead."""
    for name in ("EVENTS", "STORE", "CACHE"):
        monkeypatch.setenv(f"STREAMREC_{name}_URL", f"sqlite:///{tmp_path}/{name.lower()}.db")
    monkeypatch.setenv("STREAMREC_CHANGELOG_URL", f"sqlite:///{tmp_path}/changelog.db")
    monkeypatch.setenv("STREAMREC_ARTIFACTS_DIR", str(tmp_path))
    monkeypatch.setenv("STREAMREC_LEARNING_EMBEDDING_DIM", "8")
    system = ErasureSystem(tmp_path)
    yield system
    system.close()
