"""Deployments name what is kept, with the defaults that the program has."""

import re
from pathlib import Path

import pytest

from tests.deploy.retention import RETENTION

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "path", [".env.example", "docker-compose.yml", "deploy/kubernetes/base/settings.env"]
)
def test_the_defaults_that_are_written_are_those_of_the_program(path: str) -> None:
    written = re.findall(
        r"^ *#?(STREAMREC_RETENTION_\w+)(?:=|: \$\{\1:-)([\w.]+)\}?$",
        (ROOT / path).read_text("utf-8"),
        re.MULTILINE,
    )
    assert len(written) == 4
    assert dict(written).items() <= RETENTION.items()
