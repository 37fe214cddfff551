"""Every fault of every dependency: `python -m tests.dependencies [--write] [NAME ...]`.

Without names all faults; a name is a part of a fault's. With `--write` what was seen becomes the page
`docs/reference/failures.md`; without, what differs from the page is told.
"""

import argparse
import sys
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.dependencies import page
from tests.dependencies.cell import LASTS_S, Cell, steady, watched
from tests.dependencies.faults import faults
from tests.dependencies.following import Log
from tests.dependencies.system import System


@contextmanager
def running(folder: Path, *, is_embedded: bool = False) -> Iterator[System]:
    """Start a system in an empty folder, and end it."""
    system = System(folder, is_embedded=is_embedded)
    try:
        yield system.start()
    finally:
        system.end()


def cells(system: System, names: Collection[str], lasts_s: float = LASTS_S) -> Iterator[Cell]:
    """Yield what is seen of each fault, one after the other."""
    log = Log(system)
    steady(system, log)
    for key, fault in faults(system).items():
        if not names or any(name in key for name in names):
            yield watched(system, log, fault, lasts_s)


def main(arguments: list[str]) -> int:
    """Do it; 1 where something is not as it should be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--write", action="store_true")
    chosen = parser.parse_args(arguments)
    found: list[Cell] = []
    for is_embedded in (False, True):
        with (
            tempfile.TemporaryDirectory() as folder,
            running(Path(folder), is_embedded=is_embedded) as system,
        ):
            for cell in cells(system, chosen.names):
                found.append(cell)
                _tell(cell)
    if chosen.write:
        page.write(found)
        different = []
    else:
        different = page.differences(found, page.PAGE.read_text("utf-8"))
        _say("\n".join(different))
    return 1 if different or any(cell.wrong for cell in found) else 0


def _tell(cell: Cell) -> None:
    told = ", ".join(f"{group} {one.kind} {one.took_s:.1f}" for group, one in cell.groups.items())
    _say(f"{cell.dependency}: {cell.fault}: {told}; {dict(cell.lines)}; {cell.recovered_s:.1f} s")
    for line in cell.wrong:
        _say(f"  wrong: {line}")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
