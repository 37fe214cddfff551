"""Roles of generations, champion and challenger, as small files beside the snapshots.

::

    <artifacts_dir>/
    |-- CURRENT          the champion: the live generation
    |-- CHALLENGER       the generation that learns beside it; none when there is no such file
    `-- PROMOTION        the last promotion or rollback, under way or done, in JSON

`PROMOTION` is written first, and says by itself who is what until both names are written: a crash at any
point is made good by doing the rest once more. All three are written under a lease (`snapshot_role_fence`).
"""

from pathlib import Path

import msgspec

from streamrec.adapters.files.role_fence import fenced
from streamrec.adapters.files.snapshots import (
    CHALLENGER,
    CURRENT,
    PROMOTION,
    current_generation,
    generation_in,
    is_generation,
    read_manifest,
    set_current,
)
from streamrec.domain.generations.roles import Promotion, Roles
from streamrec.durable_files import replace_bytes
from streamrec.errors import CorruptArtifact, Damaged, InvalidInput
from streamrec.payload import decoded
from streamrec.ports import Lease

CHANGELOG_SLOT = "changelog_lane"
"""In a snapshot's provenance: which keys its vectors have in the changelog, 0 or 1."""

_promotion_decoder = msgspec.json.Decoder(Promotion)


class SnapshotRoles:
    """The roles of the generations in one folder. Processes may read at any time; the champion writes."""

    def __init__(self, artifacts_dir: Path) -> None:
        self._artifacts_dir = artifacts_dir

    def read(self) -> Roles:
        """Return who is what now.

        Raises
        ------
        CorruptArtifact
            When a file holds something else than it should.
        """
        # The promotion first: one that ends while we read still says who is what.
        promotion = self._promotion()
        challenger, live = challenger_generation(self._artifacts_dir), current_generation(self._artifacts_dir)
        return Roles.of(live, challenger, promotion)

    def claim(self, lease: Lease) -> None:
        """Let no earlier holder of this lease write roles from now on.

        Raises
        ------
        LeaseLost
            When a later holder has written: so for every method that takes a lease.
        """
        with fenced(self._artifacts_dir, lease):
            pass

    def begin(self, promotion: Promotion, lease: Lease) -> None:
        """Write down that two generations change roles; who trains follows from now on."""
        with fenced(self._artifacts_dir, lease):
            self._write_promotion(promotion)

    def complete(self, promotion: Promotion, lease: Lease) -> None:
        """Make the new champion the live generation, and the old one the challenger.

        Raises
        ------
        UnknownId, CorruptArtifact
            When the new champion has no readable manifest; nothing changes then.
        """
        with fenced(self._artifacts_dir, lease):
            set_current(self._artifacts_dir, promotion.champion)
            self._write(CHALLENGER, f"{promotion.challenger}\n".encode())
            self._write_promotion(msgspec.structs.replace(promotion, is_done=True))

    def announce(self, generation: str, lease: Lease, *, as_challenger: bool) -> None:
        """Let a new generation be the live one, or the challenger.

        Raises
        ------
        InvalidInput
            As `set_challenger`.
        UnknownId, CorruptArtifact
            When the generation has no readable manifest; nothing changes then.
        """
        announced = set_challenger if as_challenger else set_current
        with fenced(self._artifacts_dir, lease):
            announced(self._artifacts_dir, generation)

    def _promotion(self) -> Promotion | None:
        path = self._artifacts_dir / PROMOTION
        try:
            return decode_promotion(path.read_bytes())
        except FileNotFoundError:
            return None
        except (Damaged, OSError) as error:
            raise CorruptArtifact(f"{path}: {error}; remove it when no promotion is under way") from error

    def _write_promotion(self, promotion: Promotion) -> None:
        self._write(PROMOTION, msgspec.json.format(msgspec.json.encode(promotion), indent=2) + b"\n")

    def _write(self, name: str, content: bytes) -> None:
        replace_bytes(self._artifacts_dir / name, content)


def decode_promotion(payload: bytes) -> Promotion:
    """Read a promotion.

    Raises
    ------
    Damaged
        When it is none, or of what can't be generations.
    """
    promotion = decoded(_promotion_decoder.decode, payload)
    if not (is_generation(promotion.champion) and is_generation(promotion.challenger)):
        raise Damaged(
            f"{promotion.champion[:100]!r} and {promotion.challenger[:100]!r}: no generations' names"
        )
    return promotion


def challenger_generation(artifacts_dir: Path) -> str | None:
    """Return the name in `CHALLENGER`; None when there is none.

    Raises
    ------
    CorruptArtifact
        When it holds something that can't be a generation's name.
    """
    return generation_in(artifacts_dir / CHALLENGER)


def set_challenger(artifacts_dir: Path, generation: str) -> None:
    """Let a generation be the challenger from now on.

    Raises
    ------
    InvalidInput
        When there is no champion, or the generation is it.
    UnknownId, CorruptArtifact
        When the generation has no readable manifest.
    """
    live = current_generation(artifacts_dir)
    if live is None or live == generation:
        raise InvalidInput(
            f"{artifacts_dir / CURRENT} must name another generation before one can challenge it"
        )
    read_manifest(artifacts_dir, generation)
    replace_bytes(artifacts_dir / CHALLENGER, f"{generation}\n".encode())


def slot_of_next(artifacts_dir: Path, *, as_challenger: bool) -> int:
    """Return which keys in the changelog the next generation takes.

    A challenger takes those that the live generation does not have; a new live one, those of the one before.

    Raises
    ------
    InvalidInput
        When there is no live generation to challenge, or a promotion is under way.
    UnknownId, CorruptArtifact
        When the live generation has no readable manifest.
    """
    if SnapshotRoles(artifacts_dir).read().under_way is not None:
        raise InvalidInput("a promotion is under way: train when it is done")
    live = current_generation(artifacts_dir)
    if live is None:
        if as_challenger:
            raise InvalidInput("there is no live generation to challenge: run without --as-challenger first")
        return 0
    slot: int = read_manifest(artifacts_dir, live).provenance.get(CHANGELOG_SLOT, 0)
    return 1 - slot if as_challenger else slot
