import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest

from lab.model_files import load_model, save_model
from lab.models.neighbour_options import NeighbourOptions
from lab.models.tag_svd import TagSvd, TagSvdOptions
from lab.models.user_neighbours import UserNeighbours
from streamrec.domain.events.interaction import Interaction
from streamrec.errors import CorruptArtifact, InvalidInput, Unavailable

EVENTS = [Interaction(f"u{n % 5}", f"i{n % 3}", 0.0, value=float(n)) for n in range(40)]

Members = dict[str, bytes]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    model = TagSvd(TagSvdOptions(tags="item_ids"))
    model.fit(EVENTS)
    save_model(model, tmp_path / "model.npz")
    return tmp_path / "model.npz"


def rewrite(path: Path, change: Callable[[Members], None]) -> None:
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def as_npy(array: object, **options: bool) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.asarray(array), **options)
    return buffer.getvalue()


def manifest_with(**fields: object) -> Callable[[Members], None]:
    def change(members: Members) -> None:
        manifest = msgspec.json.decode(members["manifest.json"]) | fields
        members["manifest.json"] = msgspec.json.encode(manifest)

    return change


def member(name: str, content: bytes) -> Callable[[Members], None]:
    return lambda members: members.update({name: content})


def without(name: str) -> Callable[[Members], None]:
    return lambda members: members.__delitem__(name)


WRONG: dict[str, tuple[Callable[[Members], None], str]] = {
    "newer format": (manifest_with(format_version=2), "format 2; this version reads format 1"),
    "unknown kind": (manifest_with(kind="oracle"), "no model of kind 'oracle'"),
    "options of nobody": (manifest_with(options={"n_dims": "many"}), "options do not fit"),
    "options that can't be": (manifest_with(options={"n_dims": 0}), "n_dims is 0"),
    "no manifest": (without("manifest.json"), "manifest.json"),
    "manifest of nothing": (member("manifest.json", b"{"), "can't be read"),
    "array missing": (without("cells.data.npy"), "cells.data"),
    "array not named": (manifest_with(arrays=[]), "cells"),
    "pickled array": (
        member("user_vectors.npy", as_npy(np.array([{}], object), allow_pickle=True)),
        "allow_pickle=False",
    ),
    "too few vectors": (member("user_vectors.npy", as_npy(np.zeros((2, 3), np.float32))), "wanted 5 rows"),
    "vectors of no number": (
        member("item_vectors.npy", as_npy(np.full((3, 3), np.nan, np.float32))),
        "no number",
    ),
    "an item more than columns": (member("items.ids.json", b'["i0","i1","i2","i3"]'), "wanted 4 times"),
    "a user less than rows": (member("users.ids.json", b'["u0","u1","u2","u3"]'), "cells"),
    "columns beyond the last": (member("cells.indices.npy", as_npy(np.full(15, 70, np.int32))), "cells"),
    "ids twice": (member("users.ids.json", b'["u","u","v","w","x"]'), "an id stands at two rows"),
    "ids of numbers": (member("users.ids.json", b"[1,2,3,4,5]"), "can't be read"),
}


@pytest.mark.parametrize(("change", "why"), WRONG.values(), ids=WRONG)
def test_a_file_that_does_not_hold_together_is_refused(
    path: Path, change: Callable[[Members], None], why: str
) -> None:
    rewrite(path, change)
    with pytest.raises(CorruptArtifact, match=why):
        load_model(path)


def test_a_torn_file_or_a_flipped_byte_is_refused(path: Path) -> None:
    content = path.read_bytes()
    for end in (0, 10, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:end])
        with pytest.raises(CorruptArtifact):
            load_model(path)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        offset = archive.getinfo("user_vectors.npy").header_offset + 220
    path.write_bytes(content[:offset] + bytes([content[offset] ^ 1]) + content[offset + 1 :])
    with pytest.raises(CorruptArtifact, match="CRC"):
        load_model(path)


def test_other_tools_read_the_arrays(path: Path) -> None:
    with np.load(path, allow_pickle=False) as arrays:
        assert arrays["user_vectors"].dtype == np.float32
        assert arrays["user_vectors"].shape[0] == 5
        assert msgspec.json.decode(arrays["manifest.json"])["kind"] == "tag-svd"


def test_a_write_that_fails_leaves_the_old_file(path: Path, tmp_path: Path) -> None:
    class Failing(UserNeighbours):
        def contents(self) -> None:  # type: ignore[override]
            raise OSError(28, "No space left on device")

    before = path.read_bytes()
    with pytest.raises(Unavailable, match="No space left"):
        save_model(Failing(NeighbourOptions()), path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_no_file_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="there is no model at"):
        load_model(tmp_path / "none.npz")
    with pytest.raises(InvalidInput, match="there is no model at"):
        load_model(tmp_path)
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InvalidInput, match="there is no model at.*Not a directory"):
        load_model(tmp_path / "file" / "model.npz")


def test_a_member_that_was_compressed_by_nobody_is_refused(path: Path) -> None:
    content = bytearray(path.read_bytes())
    directory = content.index(b"PK\x01\x02")
    for offset in (content.index(b"PK\x03\x04") + 8, directory + 10):
        content[offset] = zipfile.ZIP_DEFLATED
    path.write_bytes(content)
    with pytest.raises(CorruptArtifact, match="fit the model again"):
        load_model(path)


ODD_ARRAYS = {
    "a number": np.float64(3),
    "nothing": np.empty(0),
    "text": np.array(["a", "b"]),
    "a cube": np.zeros((2, 2, 2)),
    "negative": np.full(15, -1),
    "huge": np.full(6, 2**62),
    "infinite": np.full((5, 3), np.inf, np.float32),
    "complex": np.zeros(15, complex),
    "dates": np.zeros(6, "datetime64[s]"),
}


@pytest.mark.parametrize("odd", ODD_ARRAYS.values(), ids=ODD_ARRAYS)
def test_whatever_stands_in_an_array_is_refused_or_harmless(path: Path, odd: np.ndarray) -> None:
    content = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if name.endswith(".npy")]
    assert len(names) == 5 * 3 + 3
    n_refused = 0
    for name in names:
        path.write_bytes(content)
        rewrite(path, member(name, as_npy(odd)))
        try:
            model = load_model(path)
        except CorruptArtifact:
            n_refused += 1
        else:
            assert all(0 < of.score <= 1 for of in model.similar_users("u1"))
    assert n_refused >= 15
