"""Options of a file, as `streamrec.toml` and requests name them; apart from what reads files."""

import msgspec

CONFIG_NAME = "streamrec.toml"


class FileOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A file and how it is read: the options of the commands, as `Reading` explains them.

    Attributes
    ----------
    file
        Its path; in a configuration one that is not absolute begins at the folder of that.
    """

    file: str
    delimiter: str | None = None
    encoding: str | None = None
    decimal: str = "."
    time_format: str | None = None
    header: bool = True
    map: dict[str, str] = {}
    lists: dict[str, str] = {}
