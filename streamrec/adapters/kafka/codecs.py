"""Codecs that producers may compress records with; kafka-python has most of them in packages of their own."""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

from kafka import codec

from streamrec.adapters.kafka.address import KafkaAddress
from streamrec.errors import ConfigurationError

_PACKAGES: Mapping[str, str] = MappingProxyType(
    {"lz4": "lz4", "snappy": "python-snappy", "zstd": "zstandard"}
)

_IS_THERE: Mapping[str, Callable[[], bool]] = MappingProxyType(
    {"lz4": codec.has_lz4, "snappy": codec.has_snappy, "zstd": codec.has_zstd}
)


def missing_codecs() -> list[str]:
    """Return the codecs that kafka-python can't unpack here."""
    return [name for name, is_there in _IS_THERE.items() if not is_there()]


def require_codecs(address: KafkaAddress) -> None:
    """Say how to get codecs that are missing.

    Raises
    ------
    ConfigurationError
        When some are.
    """
    missing = missing_codecs()
    if missing:
        packages = " ".join(_PACKAGES[name] for name in missing)
        raise ConfigurationError(
            f"{address.shown}: records compressed with {' or '.join(missing)} can't be read here:"
            f" pip install {packages} (requirements.txt names them)"
        )


def unreadable(address: KafkaAddress, reason: str) -> ConfigurationError:
    """Return the error for a record in a codec that is missing; `reason` is the driver's, and names it."""
    found = re.search("|".join(_PACKAGES), reason)
    if found is None:
        return ConfigurationError(f"{address.shown}: a record is compressed in a way unknown here: {reason}")
    return ConfigurationError(
        f"{address.shown}: a record is compressed with {found[0]}, which can't be read here:"
        f" pip install {_PACKAGES[found[0]]} (requirements.txt names it)"
    )
