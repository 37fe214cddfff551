"""Keys of the changelogs, in which the last value of a key counts."""

from hashlib import blake2b

_SLOT_PREFIXES = ("0:", "1:")


def changelog_key(id_: str, slot: int) -> str:
    """Return the key of an item's, or a user's, vectors in their changelog.

    Champion and challenger publish vectors of the same ids side by side, and neither may overwrite
    the other's: slot 0 keys by the id itself, slot 1 by the id behind "1:". Two slots are enough for any
    number of generations, and the changelog never holds more than two vectors of an id.

    >>> changelog_key("a/b", 0), changelog_key("a/b", 1), changelog_key("1:a/b", 0)
    ('a/b', '1:a/b', '0:1:a/b')
    """
    if slot == 0:
        return f"0:{id_}" if id_.startswith(_SLOT_PREFIXES) else id_
    return f"1:{id_}"


def changelog_writer(slot: int) -> str:
    """Return the name under which writers of a slot of the changelogs take over from one another.

    Not their leases' name: a generation goes on under another role's lease, and with the keys that it had.

    >>> changelog_writer(1)
    'changelog lane 1'
    """
    return f"changelog lane {slot}"


def of_changelog_key(key: str) -> tuple[str, int]:
    """Return the id and the slot of a key: all that a record without a value tells.

    >>> [of_changelog_key(key) for key in ("a/b", "1:a/b", "0:1:a/b")]
    [('a/b', 0), ('a/b', 1), ('1:a/b', 0)]
    """
    if key.startswith(_SLOT_PREFIXES):
        return key[2:], int(key[0])
    return key, 0


def key_before(id_: str, slot: int) -> str | None:
    """Return the key that a version before gave an id, where it was another one.

    >>> key_before("a/b", 0), len(key_before("a/b", 1) or "")
    (None, 42)
    """
    if slot == 0:
        return None if changelog_key(id_, 0) == id_ else id_
    return "1:" + blake2b(id_.encode("utf-8", "surrogatepass"), digest_size=20).hexdigest()
