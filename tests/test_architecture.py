"""The house rules that a reader would otherwise have to watch over."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGES = ("streamrec", "models", "faiss_server", "recommender_server", "dashboard", "lab", "examples")
SCRIPTS = ("initial_training.py", "incremental_training.py")
MAX_SCRIPT_LINES = 60
MAX_FILE_LINES = 250
MAX_FOLDER_FILES = 15
SHAPELESS_NAMES = {"utils", "util", "helpers", "helper", "common", "base", "core", "misc"}
SHAPELESS_CLASS = re.compile(r"(Manager|Factory|Impl|Helper|Utils|DAO)$")


def sources(*folders: str) -> Iterator[Path]:
    for folder in folders:
        yield from (ROOT / folder).rglob("*.py")


def count_lines(path: Path) -> int:
    return len(path.read_text("utf-8").splitlines())


def imported_modules(path: Path) -> set[str]:
    modules: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            modules |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return modules


def test_imports_keep_the_contracts(tmp_path: Path) -> None:
    # In a process of its own: it silences every logger that it meets.
    command = [str(Path(sys.executable).with_name("lint-imports")), "--cache-dir", str(tmp_path), "--no-logo"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_the_servers_open_no_part_of_the_trainer() -> None:
    # The adapters behind these functions are imported by a URL's scheme, where no contract sees them.
    not_opened = {
        "recommender_server": ("open_event_source", "open_trainer_store", "open_cache_publisher"),
        "faiss_server": ("open_event_sink", "open_store", "open_trainer_store", "open_cache", "open_index"),
    }
    for folder, names in not_opened.items():
        imported = set.union(*map(imported_modules, sources(folder)))
        assert not imported & {f"streamrec.adapters.opening.{name}" for name in names}, folder


def test_no_folder_is_wide() -> None:
    folders = [path.parent for path in sources(*PACKAGES, "benchmarks") if path.name != "__init__.py"]
    widths = {str(folder.relative_to(ROOT)): folders.count(folder) for folder in set(folders)}
    assert {name: n for name, n in widths.items() if n > MAX_FOLDER_FILES} == {}


def test_the_scripts_compose_and_do_nothing_else() -> None:
    lengths = {name: count_lines(ROOT / name) for name in SCRIPTS}
    assert {name: n for name, n in lengths.items() if n > MAX_SCRIPT_LINES} == {}


def test_no_file_is_long() -> None:
    lengths = {str(path.relative_to(ROOT)): count_lines(path) for path in sources(*PACKAGES)}
    assert len(lengths) > 50
    assert {name: n for name, n in lengths.items() if n > MAX_FILE_LINES} == {}


def test_every_file_has_a_name_that_says_what_it_is() -> None:
    paths = [path for folder in (*PACKAGES, "tests") for path in (ROOT / folder).rglob("*")]
    assert [str(path) for path in paths if path.stem in SHAPELESS_NAMES] == []


def test_every_class_has_a_name_that_says_what_it_is() -> None:
    classes = [
        node.name
        for path in sources(*PACKAGES)
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ClassDef)
    ]
    assert [name for name in classes if SHAPELESS_CLASS.search(name)] == []


def test_nothing_imports_a_composition_root() -> None:
    roots = {"faiss_server.asgi", "recommender_server.asgi", *(Path(name).stem for name in SCRIPTS)}
    importers = {str(path): imported_modules(path) & roots for path in sources(*PACKAGES)}
    assert {path: found for path, found in importers.items() if found} == {}


def test_environment_is_read_by_composition_roots_only() -> None:
    roots = re.compile(r"asgi\.py$|streamrec/cli/|streamrec/settings/|examples/running\.py$")
    readers = [
        str(path)
        for path in sources(*PACKAGES)
        if not roots.search(path.as_posix()) and re.search(r"os\.(environ|getenv)", path.read_text("utf-8"))
    ]
    assert readers == []
