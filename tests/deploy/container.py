"""A service of docker-compose.yml as Docker would run it, by means of the kernel alone.

A root file system of its own holds what the Dockerfile's target copies and a virtual environment of what its
requirements name. The process sees nothing else of this machine but its programs and libraries, may write
where the compose file lets it, is the image's user, and has no privilege.
"""

import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.deploy import site_packages
from tests.deploy.docker_file import ROOT, Stage, stages
from tests.deploy.image_files import DEVICES, INSTALLED, lay_image, lay_system

_PROGRAMS = ("chroot", "mount", "nsenter", "setpriv", "unshare", "wget")
"""What makes containers, and what the health checks of others' images are made of."""


def why_not() -> str | None:
    """Return why containers can't be made here, or None when they can."""
    if not sys.platform.startswith("linux"):
        return "needs Linux"
    if os.geteuid() != 0:
        return "needs root, to make namespaces and become another user"
    missing = [name for name in _PROGRAMS if shutil.which(name) is None]
    if missing:
        return f"needs {', '.join(missing)}"
    probe = subprocess.run(
        ["unshare", "--mount", "--net", "true"], capture_output=True, text=True, check=False
    )
    return f"namespaces are not allowed here: {probe.stderr.strip()}" if probe.returncode else None


class Container:
    """One container of a service.

    Parameters
    ----------
    service
        What the compose file says of it.
    hosts
        Names that lead to this machine.
    folder
        For its files; volumes are in the folder `volumes` beside it.
    stage
        What the image is; by default the target of the Dockerfile that the service is built of.
    """

    def __init__(
        self, service: dict[str, Any], hosts: Sequence[str], folder: Path, stage: Stage | None = None
    ) -> None:
        self._service = service
        self.stage = stage or stages()[service["build"]["target"]]
        self.root = folder / "root"
        self._volumes = folder.parent / "volumes"
        self.log_path = folder / "log"
        self._process: subprocess.Popen[bytes] | None = None
        self.root.mkdir(parents=True)
        lay_system(self.root, hosts)
        lay_image(self.root, self.stage)

    @property
    def pid(self) -> int:
        """Of its first process."""
        assert self._process is not None
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether it has been started and has not ended."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> "Container":
        """Start its literal command."""
        command = self._service.get("command") or self.stage.command or []
        script = "\n".join(["set -e", *self._mounts(), f'exec chroot {self.root} {self._entry()} "$@"'])
        with self.log_path.open("wb") as log:
            os.fchown(log.fileno(), int(self.stage.user.partition(":")[0]), -1)  # so that /dev/stdout opens
            self._process = subprocess.Popen(
                ["unshare", "--mount", "--propagation=private", "sh", "-c", script, "sh", *command],
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return self

    def execute(self, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        """Run another command in it, as ``docker exec`` does."""
        entry = ["nsenter", "--mount", "--root", f"--target={self.pid}", *shlex.split(self._entry())]
        return subprocess.run(
            [*entry, *command],
            env=self._environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def health(self) -> subprocess.CompletedProcess[str]:
        """Run its literal health check: the compose file's, or else the image's."""
        test = self._service["healthcheck"].get("test")
        command = test[1:] if test else self.stage.healthcheck
        assert command is not None
        return self.execute(command)

    def wait(self, timeout_s: float) -> int:
        """Return its exit code once it has ended."""
        assert self._process is not None
        return self._process.wait(timeout_s)

    def stop(self) -> int:
        """Send the image's stop signal, and return the exit code; negative when it had to be killed."""
        assert self._process is not None
        self._process.send_signal(signal.Signals[self.stage.stop_signal])
        try:
            return self._process.wait(float(str(self._service["stop_grace_period"]).removesuffix("s")))
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()

    def kill(self) -> None:
        """Leave nothing behind: its first process may have started others."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def log(self) -> str:
        """Return what it has said."""
        return self.log_path.read_text("utf-8", "replace") if self.log_path.exists() else ""

    def _environment(self) -> dict[str, str]:
        given = {key: str(value) for key, value in self._service.get("environment", {}).items()}
        return {**self.stage.env, "HOME": "/tmp", **given}

    def _entry(self) -> str:
        """Return what turns root of this machine into the image's user in its folder."""
        user, _, group = self.stage.user.partition(":")
        return (
            f"env --chdir={self.stage.workdir} setpriv --reuid={user} --regid={group} --clear-groups"
            " --no-new-privs --inh-caps=-all --bounding-set=-all"
        )

    def _mounts(self) -> list[str]:
        """Return the commands that mount everything, and at last make the root read-only."""
        root = shlex.quote(str(self.root))
        base = sys.base_prefix
        lines = [f"mount --bind {root} {root}"]
        lines += [_bind(source, f"{root}{source}", is_read_only=True) for source in ("/usr", base)]
        lines += [_bind(_site(), f"{root}{INSTALLED}", is_read_only=True)]
        lines += [f"mount --bind /proc {root}/proc", f"mount -t tmpfs -o mode=1777 none {root}/dev/shm"]
        lines += [f"mount --bind /dev/{name} {root}/dev/{name}" for name in DEVICES]
        lines += [
            f"mount -t tmpfs -o {mount.partition(':')[2]} none {root}{mount.partition(':')[0]}"
            for mount in self._service.get("tmpfs", ())
        ]
        lines += [self._volume(text) for text in self._service.get("volumes", ())]
        if self._service.get("read_only"):
            lines.append(f"mount -o remount,bind,ro {root}")
        return lines

    def _volume(self, text: str) -> str:
        name, target, *mode = text.split(":")
        mount_point = self.root / target.lstrip("/")
        if name.startswith("."):
            source = ROOT / name
            mount_point.parent.mkdir(parents=True, exist_ok=True)
            mount_point.touch() if source.is_file() else mount_point.mkdir()
            return _bind(str(source), str(mount_point), is_read_only="ro" in mode)
        source = self._volumes / name
        mount_point.mkdir(parents=True, exist_ok=True)
        if not source.exists():
            source.mkdir(parents=True)
            owner = mount_point.stat()  # a new volume gets the owner of what it hides
            os.chown(source, owner.st_uid, owner.st_gid)
        return _bind(str(source), str(mount_point), is_read_only="ro" in mode)


def _bind(source: str, target: str, *, is_read_only: bool) -> str:
    again = f" && mount -o remount,bind,ro {target}" if is_read_only else ""
    return f"mount --bind {source} {target}{again}"


def _site() -> str:
    return str(Path(sys.prefix) / "lib" / site_packages.PYTHON / "site-packages")
