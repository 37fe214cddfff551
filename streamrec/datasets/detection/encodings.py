"""Encoding of a text: what its first bytes tell, and the words of its header."""

import codecs
import re
from dataclasses import replace
from pathlib import Path

import charset_normalizer

from streamrec.datasets.detection.vocabulary import role_of
from streamrec.datasets.files.plain_files import first_bytes, open_bytes
from streamrec.datasets.files.reading import Reading

_ENCODINGS = ["cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "shift_jis"]
_ENCODINGS += ["gb18030", "big5", "euc_jp", "euc_kr", "koi8_r", "cp437", "cp850", "mac_roman"]

_N_BYTES = 1_000_000


def with_encoding(part: Path, reading: Reading) -> tuple[Reading, list[str]]:
    """Return how a file is read with its encoding, and words on it.

    Raises
    ------
    InvalidDataset
        When it is no text.
    """
    with open_bytes(part) as (_, found):  # refuses what is no text
        pass
    if found != "utf-8":
        return reading, [f"encoding {found} (by its first bytes)"]
    start = first_bytes(part, _N_BYTES)
    try:
        codecs.getincrementaldecoder("utf-8")().decode(start)
    except UnicodeDecodeError:
        pass
    else:
        return reading, []
    foreign = [line for line in start.splitlines() if not line.isascii()]
    best = charset_normalizer.from_bytes(b"\n".join(foreign[:500]), cp_isolation=_ENCODINGS).best()
    name = "cp1252" if best is None else best.encoding
    if b"".join(foreign[:500]).decode("cp1252", "ignore").encode("cp1252") == b"".join(foreign[:500]):
        # Of encodings of one byte a letter several always fit: by far the most files are of this one.
        fits = best is None or best.encoding in ("cp1250", "cp1254", "cp850", "cp437", "mac_roman", "cp1252")
        name = "cp1252" if fits else name
    name = _of_words(start.splitlines()[0], name)
    example = foreign[0].decode(name, "replace").strip()[:60]
    share = f"{len(foreign):,} lines with other letters"
    return replace(reading, encoding=name), [f"encoding {name}: not UTF-8 ({share}, such as {example!r})"]


def _of_words(header: bytes, likely: str) -> str:
    """Return the encoding in which a header has the most words that are known here; of several the likely."""

    def n_known(encoding: str) -> int:
        try:
            names = re.split(r"[,;|\t]", header.decode(encoding))
        except UnicodeDecodeError:
            return 0
        return sum(map(bool, map(role_of, names)))

    return max([likely, *_ENCODINGS], key=n_known)
