"""Two commands from a shop's own files to a list that is served, whatever odd form the files are of."""

from pathlib import Path

import pytest

from benchmarks.own_files.run import ANSWERED, Shop
from benchmarks.own_files.shops import SHOPS

OTHER_IDS = {"JSON Lines, floats as ids", "TSV with open quotation marks"}
"""Their items are named otherwise than in the file of items."""

UNKNOWN_ITEMS = "of the rows name an item of the files of items"


@pytest.mark.nightly
@pytest.mark.parametrize("name", list(SHOPS))
def test_two_commands_serve_a_list(name: str, tmp_path: Path) -> None:
    shop = Shop(SHOPS[name], tmp_path)
    shop.look()
    shop.serve()
    said = shop.said()
    assert "rows left out" not in said
    assert (UNKNOWN_ITEMS in said) is (name in OTHER_IDS)
    assert name in OTHER_IDS or said.partition(ANSWERED)[2].count("Item ") >= 3
