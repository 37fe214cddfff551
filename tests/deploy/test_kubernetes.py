"""What can be said of the Kubernetes manifests without a cluster."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from streamrec.settings.processes import LocationSettings
from tests.deploy.docker_file import stages
from tests.deploy.manifests import (
    FOLDER,
    KUSTOMIZATION,
    Manifest,
    files,
    manifests,
    of_kind,
    selects,
    with_pods,
)
from tests.deploy.retention import RETENTION

PODS = with_pods()
SERVERS = [manifest for manifest in PODS if manifest.content["kind"] == "Deployment"]
KUSTOMIZATIONS = [path for path in files() if path.name == KUSTOMIZATION]
SECRET_KEYS = {"events-url", "store-url", "cache-url", "api-keys", "index-keys"}


def validate(text: str) -> None:
    """Raise what Kubernetes would have against the objects; an unknown field is an error."""
    for content in filter(None, yaml.safe_load_all(text)):
        kubernetes_validate.validate(content, kubernetes_validate.latest_version(), strict=True)


def named(items: list[Manifest]) -> list[Any]:
    return [pytest.param(manifest, id=manifest.name) for manifest in items]


def container_of(manifest: Manifest) -> dict[str, Any]:
    assert manifest.pod is not None
    [container] = manifest.pod["spec"]["containers"]
    return dict(container)


@pytest.mark.parametrize(
    "path", sorted({manifest.path for manifest in manifests()}), ids=lambda path: path.stem
)
def test_every_manifest_is_what_kubernetes_takes(path: Path) -> None:
    validate(path.read_text("utf-8"))


def test_the_validation_is_strict() -> None:
    text = (FOLDER / "base/trainer.yaml").read_text("utf-8")
    with pytest.raises(kubernetes_validate.ValidationError):
        validate(text.replace("readinessProbe", "readynessProbe"))


def test_kustomize_builds_what_kubernetes_takes() -> None:
    if shutil.which("kubectl") is None:
        pytest.skip("no kubectl here, which builds kustomizations")
    for path in KUSTOMIZATIONS:
        built = subprocess.run(
            ["kubectl", "kustomize", path.parent], capture_output=True, text=True, check=False
        )
        assert built.returncode == 0, built.stderr
        validate(built.stdout)


def test_every_file_has_its_place_in_a_kustomization() -> None:
    for path in KUSTOMIZATIONS:
        content = yaml.safe_load(path.read_text("utf-8"))
        listed = [*content["resources"], *(patch["path"] for patch in content.get("patches", []))]
        listed += [name for made in content.get("configMapGenerator", []) for name in made.get("envs", [])]
        inside = {entry for entry in listed if not entry.startswith("..")}
        assert inside == {other.name for other in path.parent.iterdir()} - {KUSTOMIZATION}
        assert all((path.parent / entry).exists() for entry in listed)


@pytest.mark.parametrize("manifest", named(PODS))
def test_pods_have_no_privilege(manifest: Manifest) -> None:
    assert manifest.pod is not None
    spec, container = manifest.pod["spec"], container_of(manifest)
    assert spec["securityContext"]["runAsNonRoot"] is True
    user = f"{spec['securityContext']['runAsUser']}:{spec['securityContext']['runAsGroup']}"
    assert user == stages()["trainer"].user
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["automountServiceAccountToken"] is False
    assert spec["enableServiceLinks"] is False
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


@pytest.mark.parametrize("manifest", named(PODS))
def test_pods_say_what_they_need_and_what_they_may_have(manifest: Manifest) -> None:
    resources = container_of(manifest)["resources"]
    assert {"cpu", "memory"} == set(resources["requests"]) == set(resources["limits"])
    image, _, tag = container_of(manifest)["image"].partition(":")
    assert image.removeprefix("streamrec/") in stages()
    assert re.fullmatch(r"\d+\.\d+\.\d+", tag)


@pytest.mark.parametrize("manifest", named(SERVERS))
def test_probes_ask_for_what_the_image_answers(manifest: Manifest) -> None:
    container = container_of(manifest)
    [port] = [port["containerPort"] for port in container["ports"]]
    ready = f"http://127.0.0.1:{port}/health/ready"
    assert (stages()[container["image"].partition("/")[2].partition(":")[0]].healthcheck or [])[-1] == ready
    assert container["readinessProbe"]["httpGet"] == {"path": "/health/ready", "port": "http"}
    for probe in ("startupProbe", "livenessProbe"):
        assert container[probe]["httpGet"] == {"path": "/health/live", "port": "http"}


@pytest.mark.parametrize("manifest", named(PODS))
def test_everything_referred_to_exists(manifest: Manifest) -> None:
    assert manifest.pod is not None
    spec, container = manifest.pod["spec"], container_of(manifest)
    names = {other.name for other in manifests()}
    assert f"ServiceAccount/{spec['serviceAccountName']}" in names
    assert {mount["name"] for mount in container["volumeMounts"]} == {
        volume["name"] for volume in spec["volumes"]
    }
    for volume in spec["volumes"]:
        if claim := volume.get("persistentVolumeClaim"):
            assert f"PersistentVolumeClaim/{claim['claimName']}" in names
        if secret := volume.get("secret"):
            assert secret["secretName"] == "streamrec"
            assert {item["key"] for item in secret["items"]} <= SECRET_KEYS
    base = yaml.safe_load((FOLDER / "base" / KUSTOMIZATION).read_text("utf-8"))
    generated = {made["name"] for made in base["configMapGenerator"]}
    assert {source["configMapRef"]["name"] for source in container["envFrom"]} <= generated
    for variable in container["env"]:
        if source := variable.get("valueFrom"):
            assert source["secretKeyRef"]["name"] == "streamrec"
            assert source["secretKeyRef"]["key"] in SECRET_KEYS


def test_the_guide_says_how_to_make_the_secret() -> None:
    guide = (FOLDER.parents[1] / "docs/how-to/deployment.md").read_text("utf-8")
    assert "kubectl create secret generic streamrec" in guide
    assert all(f"--from-literal={key}=" in guide or f"--from-file={key}=" in guide for key in SECRET_KEYS)


@pytest.mark.parametrize("manifest", named(PODS))
def test_settings_are_settings(manifest: Manifest) -> None:
    known = {f"STREAMREC_{field}".upper() for field in LocationSettings.model_fields} | RETENTION.keys()
    lines = (FOLDER / "base/settings.env").read_text("utf-8").splitlines()
    shared = {line.split("=")[0] for line in lines if line and not line.startswith("#")}
    own = {variable["name"] for variable in container_of(manifest)["env"]}
    assert own <= known
    assert shared <= known
    assert not own & shared


def labels_of(manifest: Manifest) -> dict[str, str]:
    assert manifest.pod is not None
    labels: dict[str, str] = manifest.pod["metadata"]["labels"]
    return labels


@pytest.mark.parametrize("manifest", named(SERVERS))
def test_a_deployment_selects_its_own_pods(manifest: Manifest) -> None:
    labels = labels_of(manifest)
    assert selects(manifest.content["spec"]["selector"], labels)
    selector = manifest.content["spec"]["selector"]
    chosen = [other for other in PODS if selects(selector, labels_of(other))]
    assert [other.name for other in chosen] == [manifest.name]
    [spread] = manifest.pod["spec"]["topologySpreadConstraints"]  # type: ignore[index]
    assert selects(spread["labelSelector"], labels)


@pytest.mark.parametrize("manifest", named(of_kind("Service", "PodDisruptionBudget")))
def test_a_selector_meets_pods_of_its_name(manifest: Manifest) -> None:
    selector = manifest.content["spec"]["selector"]
    wanted = selector if "matchLabels" in selector else {"matchLabels": selector}
    chosen = [other.content["metadata"]["name"] for other in PODS if selects(wanted, labels_of(other))]
    assert chosen == [manifest.content["metadata"]["name"]]


def test_every_server_may_be_moved_one_at_a_time() -> None:
    assert {budget.content["metadata"]["name"] for budget in of_kind("PodDisruptionBudget")} == {
        manifest.content["metadata"]["name"] for manifest in SERVERS
    }


def test_only_what_holds_nothing_is_scaled() -> None:
    scaled = {
        scaler.content["spec"]["scaleTargetRef"]["name"]: scaler
        for scaler in of_kind("HorizontalPodAutoscaler")
    }
    assert set(scaled) == {"index", "recommender"}
    assert all(scaler.content["spec"]["minReplicas"] >= 2 for scaler in scaled.values())
    counts = {
        server.content["metadata"]["name"]: server.content["spec"].get("replicas") for server in SERVERS
    }
    assert counts == {
        "trainer": 2,
        "history": 2,
        "attribution": 2,
        "index": None,
        "recommender": None,
    }  # a number would undo the scaler's


def allowed(direction: str, pod: str) -> set[int]:
    """Return the ports that policies open for a pod, in one direction."""
    [labels] = [other.pod["metadata"]["labels"] for other in PODS if other.content["metadata"]["name"] == pod]  # type: ignore[index]
    policies = [policy.content["spec"] for policy in of_kind("NetworkPolicy")]
    chosen = [spec for spec in policies if selects(spec["podSelector"], labels)]
    assert {"Ingress", "Egress"} <= {kind for spec in chosen for kind in spec["policyTypes"]}
    return {port["port"] for spec in chosen for rule in spec.get(direction, []) for port in rule["ports"]}


def test_only_the_arrows_of_the_design_are_open() -> None:
    dns, statsd, log, stores = {53}, {8125}, {9092}, {27017, 6379}
    assert allowed("egress", "recommender") == dns | statsd | log | stores | {8100}
    assert allowed("egress", "index") == dns | statsd | log
    assert allowed("egress", "trainer") == dns | statsd | log | stores | {8100}
    assert allowed("egress", "history") == dns | statsd | log | stores
    assert allowed("egress", "attribution") == dns | statsd | log | stores
    assert allowed("egress", "initial-training") == dns | statsd | log | stores
    assert allowed("ingress", "recommender") == {8000}
    assert allowed("ingress", "index") == {8100}
    assert allowed("ingress", "trainer") == allowed("ingress", "initial-training") == set()


def test_who_may_come_in_is_said() -> None:
    for policy in of_kind("NetworkPolicy"):
        for rule in policy.content["spec"].get("ingress", []):
            assert rule["from"]


def test_artifacts_can_be_on_several_nodes_at_once() -> None:
    [claim] = of_kind("PersistentVolumeClaim")
    assert claim.content["spec"]["accessModes"] == ["ReadWriteMany"]


def test_there_is_no_secret() -> None:
    assert of_kind("Secret") == []
    for path in [*files(), FOLDER / "base/settings.env"]:
        assert not re.search(r"://[^\s/:@]*:[^\s/@]+@", path.read_text("utf-8"))
