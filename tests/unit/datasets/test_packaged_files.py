import hashlib
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from streamrec.datasets.packaged_files import PackagedFiles
from streamrec.errors import InvalidDataset, Unavailable

CONTENT = b"user\titem\n1\t2\n"


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all that pip can see: no network, no other package index."""
    folder = tmp_path / "shelf"
    folder.mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@pytest.fixture
def files(shelf: Path) -> PackagedFiles:
    name = "tinydata-1.0-py3-none-any.whl"
    with zipfile.ZipFile(shelf / name, "w") as wheel:
        wheel.writestr("tinydata/folder/a.inter", CONTENT)
        wheel.writestr("../../escaped", b"!")
        about = "tinydata-1.0.dist-info"
        wheel.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: tinydata\nVersion: 1.0\n")
        wheel.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr(f"{about}/RECORD", "")
    wheel_sha256 = hashlib.sha256((shelf / name).read_bytes()).hexdigest()
    content_sha256 = hashlib.sha256(CONTENT).hexdigest()
    return PackagedFiles("tinydata==1.0", name, wheel_sha256, "tinydata/folder", {"a.inter": content_sha256})


def test_fetch_brings_the_files_and_needs_the_network_only_once(
    files: PackagedFiles, shelf: Path, tmp_path: Path
) -> None:
    target = tmp_path / "data" / "tiny"
    told: list[tuple[int, int]] = []
    files.fetch(target, lambda done, in_all: told.append((done, in_all)))
    assert (target / "a.inter").read_bytes() == CONTENT
    size = (shelf / files.wheel).stat().st_size
    assert (told[0], told[-1]) == ((0, 0), (size, size))
    # Only what was asked for: nothing that the archive names elsewhere, and no temporary.
    assert sorted(p.name for p in (tmp_path / "data").iterdir()) == ["tiny", files.wheel]
    assert [p.name for p in target.iterdir()] == ["a.inter"]
    assert not list(tmp_path.rglob("escaped"))

    (shelf / files.wheel).unlink()  # from here on pip finds nothing
    files.fetch(target)
    (target / "a.inter").write_bytes(CONTENT[:5])  # damaged: mended from the wheel that was kept
    files.fetch(target)
    assert (target / "a.inter").read_bytes() == CONTENT


def test_a_package_that_pip_cannot_find_is_unavailable_and_says_so(
    files: PackagedFiles, shelf: Path, tmp_path: Path
) -> None:
    (shelf / files.wheel).unlink()
    with pytest.raises(Unavailable, match=r"could not download tinydata==1\.0: ERROR.*Check the network"):
        files.fetch(tmp_path / "data" / "tiny")
    assert not (tmp_path / "data" / "tiny").exists()
    assert list((tmp_path / "data").iterdir()) == []


def test_another_wheel_under_the_same_name_is_refused(files: PackagedFiles, tmp_path: Path) -> None:
    with pytest.raises(InvalidDataset, match="SHA-256 differs"):
        replace(files, wheel_sha256="0" * 64).fetch(tmp_path / "data" / "tiny")
    assert list((tmp_path / "data").iterdir()) == []


def test_another_content_in_the_wheel_is_refused(files: PackagedFiles, tmp_path: Path) -> None:
    with pytest.raises(InvalidDataset, match=r"a\.inter in .* is not as expected"):
        replace(files, sha256_of={"a.inter": "0" * 64}).fetch(tmp_path / "data" / "tiny")
    assert not (tmp_path / "data" / "tiny" / "a.inter").exists()
