import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from streamrec.domain.rows.compiled import compiled, folder_for, version_of

ROOT = Path(__file__).parents[4]


def test_a_function_that_can_not_be_kept_is_compiled_all_the_same() -> None:
    names: dict[str, object] = {}
    exec("def double(x):\n    return 2 * x", names)  # of no file: there is no folder for its code
    assert compiled(names["double"])(np.array([1.0, 2.0])).tolist() == [2.0, 4.0]  # type: ignore[type-var, operator]


def test_code_that_was_kept_counts_for_its_version_only(tmp_path: Path) -> None:
    first, second = tmp_path / "a.py", tmp_path / "b.py"
    for file in (first, second):
        file.write_text("x = 1\n")
    before = version_of([first, second])
    assert version_of([second, first]) == before
    second.write_text("x = 10\n")
    assert version_of([first, second]) != before


def test_what_is_compiled_works_where_nothing_can_be_written(tmp_path: Path) -> None:
    code = (
        "import numpy as np; from streamrec.learning.state.known_positives import KnownPositives;"
        "known, rows = KnownPositives(), np.arange(3); known.add(rows, rows); print(known.n_pairs)"
    )
    nowhere = {"PYTHONPATH": str(ROOT), "NUMBA_CACHE_DIR": "/dev/null/nowhere", "HOME": "/dev/null"}
    command, environment = [sys.executable, "-c", code], {**os.environ, **nowhere}
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == "3\n"


def add_pairs(folder: Path, before: str) -> None:
    """Call what is compiled in a process that keeps code in a folder; it does something to it before."""
    code = (
        "import shutil; import numpy as np; from pathlib import Path;"
        "from streamrec.learning.state.known_positives import KnownPositives;"
        f"folder = Path({str(folder)!r}); {before};"
        "known, rows = KnownPositives(), np.arange(3); known.add(rows, rows); print(known.n_pairs)"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "NUMBA_CACHE_DIR": str(folder)}
    command = [sys.executable, "-c", code]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=folder.parent)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == "3\n"


def test_what_is_compiled_works_where_nothing_can_be_written_any_more(tmp_path: Path) -> None:
    add_pairs(tmp_path / "code", "shutil.rmtree(folder, ignore_errors=True); folder.touch()")


def test_code_that_was_damaged_is_compiled_anew(tmp_path: Path) -> None:
    folder = tmp_path / "code"
    add_pairs(folder, "pass")
    files = [*folder.rglob("*.nbi"), *folder.rglob("*.nbc")]
    assert len(files) > 1
    for file in files:
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    add_pairs(folder, "pass")


def test_code_that_came_with_an_image_is_copied_to_where_it_can_be_written(tmp_path: Path) -> None:
    image, home = tmp_path / "image", tmp_path / "home"
    (image / "compiled-1").mkdir(parents=True)
    (image / "compiled-1" / "loop.nbi").write_text("code")
    (home / "compiled-0").mkdir(parents=True)
    # Nobody can write this, root neither.
    (image / "compiled-1" / "is_writable").symlink_to(tmp_path / "nowhere" / "file")
    assert folder_for("1", [image, home]) == home / "compiled-1"
    assert (home / "compiled-1" / "loop.nbi").read_text() == "code"
    assert not (home / "compiled-0").exists()
    assert folder_for("1", [home]) == home / "compiled-1"
    (tmp_path / "file").touch()
    assert folder_for("1", [tmp_path / "file"]) is None
