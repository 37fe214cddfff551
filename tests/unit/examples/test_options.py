"""What an example can't make up is refused before anything starts."""

import sys
from collections.abc import Callable

import pytest

from examples.courses.__main__ import main as courses
from examples.shop.__main__ import main as shop
from examples.stocks.__main__ import main as stocks

REFUSED = [
    (stocks, "--instruments=1"),
    (stocks, "--rate=nan"),
    (courses, "--users=0"),
    (courses, "--group-size=0"),
    (courses, "--group-size=16"),  # of 10,000 customers: 625 groups
    (courses, "--seed=-1"),
    (shop, "--customers=0"),
    (shop, "--products=11"),
    (shop, "--seed=-1"),
]


@pytest.mark.parametrize(("main", "option"), REFUSED)
def test_numbers_that_cannot_be_are_told(
    main: Callable[[], None],
    option: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "argv", ["example", option])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert "wanted" in capsys.readouterr().err
