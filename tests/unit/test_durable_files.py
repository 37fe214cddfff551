"""Files that are replaced as a whole: what fails half way leaves the old one, and nothing beside it."""

import os
from contextlib import suppress
from pathlib import Path

import pytest

from streamrec import durable_files


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_that_fails_half_way_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "file"
    durable_files.replace_bytes(path, b"old")
    with suppress(RuntimeError), durable_files.replaced(path) as file:
        file.write(b"new")
        raise RuntimeError
    assert (path.read_bytes(), names_in(tmp_path)) == (b"old", ["file"])


def test_a_file_is_on_disk_before_it_has_its_name_and_its_name_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, synced = tmp_path / "file", []

    def fsync(descriptor: int) -> None:
        synced.append((Path(os.readlink(f"/proc/self/fd/{descriptor}")), path.exists()))

    monkeypatch.setattr(os, "fsync", fsync)
    durable_files.replace_bytes(path, b"new")
    assert synced == [(tmp_path / f".file.{os.getpid()}.tmp", False), (tmp_path, True)]


def test_what_a_killed_process_left_goes(tmp_path: Path) -> None:
    (tmp_path / ".file.123.tmp").touch()
    (tmp_path / ".other.123.tmp").touch()
    durable_files.remove_leftovers(tmp_path / "file")
    assert names_in(tmp_path) == [".other.123.tmp"]


def test_a_file_falls_back_where_one_of_the_same_number_was_killed_at_it(tmp_path: Path) -> None:
    path = tmp_path / "file"
    durable_files.replace_bytes(path, b"damaged")
    durable_files.previous_of(path).write_bytes(b"whole")
    (tmp_path / f".file.{os.getpid()}.previous.tmp").write_bytes(b"left")
    durable_files.fall_back(path)
    assert path.read_bytes() == b"whole"
    assert names_in(tmp_path) == ["file", "file.damaged", "file.previous"]


def test_a_folder_takes_the_place_of_another(tmp_path: Path) -> None:
    for name, content in (("folder", b"old"), ("unfinished", b"new")):
        (tmp_path / name).mkdir()
        with durable_files.written(tmp_path / name / "file") as file:
            file.write(content)
    durable_files.replace_folder(tmp_path / "folder", tmp_path / "unfinished")
    assert (names_in(tmp_path), (tmp_path / "folder/file").read_bytes()) == (["folder"], b"new")


def test_a_path_is_tried_before_long_work(tmp_path: Path) -> None:
    durable_files.refuse_unwritable(tmp_path / "new" / "file")
    assert names_in(tmp_path / "new") == []
    (tmp_path / "file").write_bytes(b"old")
    durable_files.refuse_unwritable(tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == b"old"
    for wrong in (tmp_path, tmp_path / "file" / "below"):
        with pytest.raises(OSError, match=r"directory|exists"):
            durable_files.refuse_unwritable(wrong)


def test_an_error_names_the_file_that_people_know(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught, durable_files.replaced(tmp_path / "no" / "file"):
        pass
    assert caught.value.filename == str(tmp_path / "no" / "file")
