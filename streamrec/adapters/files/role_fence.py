"""Fence of the roles: who wrote them last, so that a process that lost its lease writes none of them over.

::

    <artifacts_dir>/
    |-- .role_tokens    the newest fencing token by the lease's name, in JSON
    `-- .role_lock      locked while a token is compared and a role written

Between a look at the lease and the write a process may stand still for longer than the lease lasts. The
tokens stand beside the files they guard, and a role is written under a lock of the file system, which ends
with the process that holds it.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from streamrec.durable_files import replace_bytes
from streamrec.errors import CorruptArtifact, Damaged, Unavailable
from streamrec.payload import decoded
from streamrec.ports import Lease, check_token

TOKENS = ".role_tokens"

_LOCK = ".role_lock"

_decoder = msgspec.json.Decoder(dict[str, int])


@contextmanager
def fenced(artifacts_dir: Path, lease: Lease) -> Iterator[None]:
    """Hold the right to write roles under a lease; earlier holders of it are refused from now on.

    Raises
    ------
    LeaseLost
        When a later holder of the lease has been here.
    CorruptArtifact
        When the tokens can't be read.
    Unavailable
        When the disk is full or can't be written, by these files or the roles.
    """
    path = artifacts_dir / TOKENS
    try:
        with _locked(artifacts_dir / _LOCK):
            tokens = _read(path)
            check_token(lease, tokens.get(lease.name, 0), str(path))
            if tokens.get(lease.name) != lease.token:
                replace_bytes(path, msgspec.json.encode(tokens | {lease.name: lease.token}))
            yield
    except OSError as error:
        raise Unavailable(f"can't write the roles in {artifacts_dir}: {error}") from error


def decode_tokens(payload: bytes) -> dict[str, int]:
    """Read the newest tokens.

    Raises
    ------
    Damaged
        When it holds something else.
    """
    return decoded(_decoder.decode, payload)


def _read(path: Path) -> dict[str, int]:
    try:
        return decode_tokens(path.read_bytes())
    except FileNotFoundError:
        return {}
    except (Damaged, OSError) as error:
        raise CorruptArtifact(f"{path}: {error}; remove it while no trainer runs") from error


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
