"""Locked requirements of each image, with the hashes of all files that a package may be installed from.

``make locks`` writes them, anew after a pin has changed. torch, and what is there for its sake, is in none:
the build that is wanted depends on the machine, and has files and requirements of its own.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

IMAGES = ("index", "recommender", "trainer")
FOLDER = Path("requirements/locked")

_PYTHON = "3.11.13"
"""Of the images."""


def main() -> None:
    """Write the lock of each image; in the repository's folder."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as without_torch:
        without_torch.write("torch ; python_version < '3'\n")
        without_torch.flush()
        for image in IMAGES:
            command = [
                sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--generate-hashes", "--no-annotate",
                "--no-header", f"--python-version={_PYTHON}", "--python-platform=linux",
                f"--overrides={without_torch.name}", "--constraint=constraints.txt",
                f"--output-file={FOLDER / image}.txt", f"requirements/{image}.txt",
                "requirements-confluent.txt",
            ]  # fmt: skip
            subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
