"""The Kubernetes manifests, each with the file that it is in."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml

FOLDER = Path(__file__).parents[2] / "deploy/kubernetes"
KUSTOMIZATION = "kustomization.yaml"


class Manifest(NamedTuple):
    """One object."""

    path: Path
    content: dict[str, Any]

    @property
    def name(self) -> str:
        return f"{self.content['kind']}/{self.content['metadata']['name']}"

    @property
    def pod(self) -> dict[str, Any] | None:
        """The template of its pods, where it makes any."""
        spec = self.content.get("spec", {})
        if self.content["kind"] == "CronJob":
            spec = spec["jobTemplate"]["spec"]
        template: dict[str, Any] | None = spec.get("template")
        return template


def files() -> list[Path]:
    """Return every file of YAML."""
    return sorted(FOLDER.rglob("*.yaml"))


def manifests() -> list[Manifest]:
    """Return every object; patches and kustomizations are none."""
    return list(_objects())


def _objects() -> Iterator[Manifest]:
    for path in files():
        for document in yaml.safe_load_all(path.read_text("utf-8")):
            if isinstance(document, dict) and path.name != KUSTOMIZATION:
                yield Manifest(path, document)


def of_kind(*kinds: str) -> list[Manifest]:
    """Return the objects of some kinds."""
    return [manifest for manifest in manifests() if manifest.content["kind"] in kinds]


def with_pods() -> list[Manifest]:
    """Return the objects that make pods."""
    return [manifest for manifest in manifests() if manifest.pod is not None]


def selects(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    """Return whether a label selector takes these labels in."""
    if any(labels.get(key) != value for key, value in selector.get("matchLabels", {}).items()):
        return False
    return all(
        labels.get(rule["key"]) in rule["values"]
        for rule in selector.get("matchExpressions", [])
        if rule["operator"] == "In"
    )
