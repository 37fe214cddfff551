"""Bills of materials of the images, in CycloneDX's JSON: each package with its version, address and hashes.

``make sbom`` writes them to ``var/sbom``, out of the locked requirements, without a network. torch, which is
not locked, is named without hashes in that of the trainer.
"""

import re
import sys
from pathlib import Path

from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

LOCKS = Path("requirements/locked")
FOLDER = Path("var/sbom")

_PACKAGE = re.compile(r"^([\w.-]+)==([\w.+-]+)((?:.*\n\s+--hash=sha256:[0-9a-f]+)*)", re.MULTILINE)


def bom_of(image: str) -> Bom:
    """Return the bill of an image."""
    lock = (LOCKS / f"{image}.txt").read_text("utf-8")
    if image == "trainer":
        torch = re.search(r"^torch==.*$", Path("requirements/learning.txt").read_text("utf-8"), re.MULTILINE)
        lock += torch[0] if torch else ""
    bom = Bom()
    bom.metadata.component = Component(name=f"streamrec/{image}", type=ComponentType.CONTAINER)
    for name, version, hashes in _PACKAGE.findall(lock):
        bom.components.add(
            Component(
                name=name,
                version=version,
                type=ComponentType.LIBRARY,
                purl=PackageURL("pypi", name=name, version=version),
                bom_ref=f"pkg:pypi/{name}@{version}",
                hashes=[
                    HashType(alg=HashAlgorithm.SHA_256, content=one)
                    for one in re.findall(r"sha256:(\w+)", hashes)
                ],
            )
        )
    bom.register_dependency(bom.metadata.component, bom.components)
    return bom


def main() -> None:
    """Write the bill of each image that is locked."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for lock in sorted(LOCKS.glob("*.txt")):
        path = FOLDER / f"{lock.stem}.cdx.json"
        path.write_text(JsonV1Dot6(bom_of(lock.stem)).output_as_string(indent=1), "utf-8")
        sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main()
