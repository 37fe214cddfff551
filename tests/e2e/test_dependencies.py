"""Each dependency away, late, garbled, silent, cut off or read-only: see `docs/reference/failures.md`."""

from collections.abc import Collection
from pathlib import Path

import pytest

from streamrec.cli.launch.local_servers import KINDS
from tests.conftest import REQUIRED
from tests.dependencies import page
from tests.dependencies.__main__ import cells, running
from tests.dependencies.cell import LASTS_S
from tests.dependencies.requests import not_asked

FEW = ("mongodb: refuses writes", "redis: answers garbage")
"""Faults that are seldom thought of; every night all are tried."""


@pytest.fixture
def servers() -> None:
    for kind in KINDS.values():
        if why_not := kind.why_not():
            (pytest.fail if REQUIRED else pytest.skip)(why_not)


def check(folder: Path, names: Collection[str], lasts_s: float, *, is_embedded: bool) -> None:
    with running(folder, is_embedded=is_embedded) as system:
        seen = list(cells(system, names, lasts_s))
    assert len(seen) >= max(1, len(names))
    assert [f"{cell.dependency}: {cell.fault}: {line}" for cell in seen for line in cell.wrong] == []
    assert page.differences(seen, page.PAGE.read_text("utf-8")) == []


def test_every_route_is_asked() -> None:
    assert not_asked() == set()


@pytest.mark.usefixtures("servers")
def test_some_faults_are_answered_as_the_page_tells_and_recovered_from(tmp_path: Path) -> None:
    check(tmp_path, FEW, 12.0, is_embedded=False)


@pytest.mark.nightly
@pytest.mark.usefixtures("servers")
@pytest.mark.timeout(5400)
def test_all_faults_of_the_servers_are(tmp_path: Path) -> None:
    check(tmp_path, (), LASTS_S, is_embedded=False)


@pytest.mark.nightly
@pytest.mark.timeout(1800)
def test_all_faults_of_the_files_are(tmp_path: Path) -> None:
    check(tmp_path, (), LASTS_S, is_embedded=True)
