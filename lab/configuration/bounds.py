"""Types of numbers that a configuration takes, each with its bounds."""

from typing import Annotated

import msgspec

Count = Annotated[int, msgspec.Meta(ge=1)]
"""At least one."""

CountOrNone = Annotated[int, msgspec.Meta(ge=0)]
"""None, or some."""

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
"""Part of a whole, both ends included."""

InnerShare = Annotated[float, msgspec.Meta(gt=0, lt=1)]
"""Part of a whole that leaves something on either side."""

Positive = Annotated[float, msgspec.Meta(gt=0, lt=1e12)]
"""Above 0; the bound keeps out infinity, which no law can take."""

NotNegative = Annotated[float, msgspec.Meta(ge=0, lt=1e12)]
"""0 or above, and finite."""


def check_shares(name: str, shares: dict[str, float]) -> None:
    """Check that shares are not negative and add up to something.

    Raises
    ------
    ValueError
        Naming the setting and the share.
    """
    for key, share in shares.items():
        if not 0 <= share < 1e12:
            raise ValueError(f"{name}.{key} is {share}; wanted a number of at least 0")
    if not shares or sum(shares.values()) <= 0:
        raise ValueError(f"{name} is {shares}; wanted at least one share above 0")
