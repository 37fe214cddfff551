"""Files of keys: what stands in them, and how they are read while others write them."""

from pathlib import Path

import pytest

from streamrec.errors import ConfigurationError
from streamrec.settings.key_file import KeyLine, Scope, keys_in


def test_lines_are_keys_with_their_scopes(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_bytes(
        b"\xef\xbb\xbffirst\r\n\r\n # a comment\r\n  second read \r\nthird\twrite  read\r\n"
        b"a pass phrase\r\nlast admin"
    )
    assert keys_in(path) == [
        KeyLine(1, "first"),
        KeyLine(4, "second", frozenset({Scope.READ})),
        KeyLine(5, "third", frozenset({Scope.READ, Scope.WRITE})),
        KeyLine(6, "a pass phrase"),
        KeyLine(7, "last", frozenset({Scope.ADMIN})),
    ]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "holds none"),
        (b"\n#first\n", "holds none"),
        (b"\xff\xfe", "no text"),
        ("good\nschl\u00fcssel\n".encode(), "line 2 .*no request can hold it"),
        (b"good\n\x00secret\n", "line 2 .*no request can hold it"),
        (b"good\nsecret read everything\n", "line 2 .*beside the scopes read, write, admin"),
    ],
)
def test_what_is_no_file_of_keys_is_named_and_no_key_is_told(
    tmp_path: Path, content: bytes, words: str
) -> None:
    path = tmp_path / "keys"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=words) as error:
        keys_in(path)
    assert "secret" not in str(error.value)
    assert "good" not in str(error.value)
