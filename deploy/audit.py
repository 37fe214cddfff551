"""Search for known vulnerabilities of all pinned packages, which says so where it could not be made.

pip-audit asks PyPI's JSON API. Where that is out of reach, as behind a mirror, it complains of the first
package that it can't ask for, as if that one did not exist.
"""

import subprocess
import sys

COMMAND = [
    sys.executable, "-m", "pip_audit", "--strict", "--disable-pip", "--no-deps", "--progress-spinner=off",
    "-r", "constraints.txt",
]  # fmt: skip

_OUT_OF_REACH = ("not found on PyPI", "ConnectionError", "Max retries", "Failed to establish")

NOTHING_LOOKED_AT = """
No advisories could be asked for: pypi.org, or what stands in for it here, does not answer pip-audit.
NOTHING WAS CHECKED. Run `make audit` where https://pypi.org/pypi/pip/json can be reached.
"""


def explained(output: str) -> str:
    """Return what is to be said behind pip-audit's own words, after it has failed.

    >>> explained("ERROR:pip_audit._cli:aiohttp: Dependency not found on PyPI and could not be audited") != ""
    True
    >>> explained("Found 1 known vulnerability in 1 package")
    ''
    """
    return NOTHING_LOOKED_AT if any(sign in output for sign in _OUT_OF_REACH) else ""


def main() -> int:
    """Run pip-audit, and return its exit code, or 3 where nothing was checked."""
    done = subprocess.run(COMMAND, capture_output=True, text=True, check=False)
    sys.stdout.write(done.stdout + done.stderr)
    told = explained(done.stdout + done.stderr) if done.returncode else ""
    sys.stdout.write(told)
    return 3 if told else done.returncode


if __name__ == "__main__":
    sys.exit(main())
