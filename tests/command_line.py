"""The command `streamrec`, in the process of the test."""

import pytest

from streamrec.cli.app import main


def run(*arguments: str) -> int:
    """Run a command; return the code that it exits with."""
    with pytest.raises(SystemExit) as exited:
        main(arguments)
    code = exited.value.code
    return code if isinstance(code, int) else 0
