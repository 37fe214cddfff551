"""Fixtures of tests of adapters."""

from collections.abc import AsyncIterator
from typing import Any

import pytest


@pytest.fixture
async def opened() -> AsyncIterator[list[Any]]:
    """Stores and caches, of trainers and of servers, that are closed at the end."""
    parts: list[Any] = []
    yield parts
    for part in parts:
        if hasattr(part, "aclose"):
            await part.aclose()
        else:
            part.close()
