"""Installation of what this project needs, into the virtual environment whose Python runs this file.

`make` calls it before each of its targets. It does nothing, and needs no network, where all of it is there.
It has the standard library only: nothing else is installed yet.
"""

import csv
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

WANTED = {
    "runtime": ("requirements.txt",),
    "servers": ("requirements.txt", "requirements-servers.txt"),
    "lab": ("requirements.txt", "requirements-lab.txt"),
    "dev": ("requirements-dev.txt",),
    "ci": ("requirements-dev.txt", "requirements-ci.txt"),
}
"""Files of requirements of each name that this file is called with."""

CONSTRAINTS = Path("constraints.txt")

SITE = Path(sysconfig.get_path("purelib"))
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check"]

CONNECT_TIMEOUT_S = 5
LOOK_TIMEOUT_S = 30
"""For a look at the list of wheels for the CPU, 1 s of work: some networks let packets vanish."""

BACKEND = os.environ.get("TORCH_BACKEND", "cpu")
"""Which build of torch, in uv's words; an empty one: what pip finds by itself."""


def main(name: str) -> None:
    """Install what is not there, and remember of what files that was."""
    files = list(closure(WANTED[name]))
    content = b"\0".join(file.read_bytes() for file in [*files, CONSTRAINTS])
    digest = hashlib.sha256(content).hexdigest()
    stamp = Path(sys.prefix, f".{name}")
    if is_written(stamp, digest):
        return
    # Not .lock, which uv waits for.
    with Path(sys.prefix, ".installing").open("w") as lock:
        # Another `make` may be at it, and have done it by then.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not is_written(stamp, digest):
            stamp.unlink(missing_ok=True)
            install(WANTED[name], torch_pin(files))
            stamp.write_text(digest, "utf-8")


def is_written(stamp: Path, digest: str) -> bool:
    """Return whether what was installed is of this digest."""
    return stamp.is_file() and stamp.read_text("utf-8") == digest


def install(names: tuple[str, ...], torch: str | None) -> None:
    """Install requirements on what is left of an installation before; `torch` is the line that pins it."""
    # Some people's pip is told to install for the user, which it refuses to do here.
    os.environ["PIP_USER"] = "0"
    mend()
    if torch is not None and not has(torch):
        say("Installing into .venv: about 400 MB to download, 1.7 GB on disk; some minutes")
        install_torch(torch)
    install_rest([f"--requirement={name}" for name in names])


def closure(names: tuple[str, ...]) -> Iterator[Path]:
    """Yield files of requirements, and those that they name by ``-r``."""
    for name in names:
        file = Path(name)
        yield file
        named = re.findall(r"^-r (\S+)", file.read_text("utf-8"), re.MULTILINE)
        yield from closure(tuple(str(file.parent / other) for other in named))


def mend() -> None:
    """Forget what an installation that was broken off has left.

    Both pip and uv write last, into a package's ``RECORD``, that they installed it; what they had only
    begun with they would take for installed. Names with a tilde are what pip set aside, to put it back.
    """
    for left in SITE.glob("~*"):
        shutil.rmtree(left) if left.is_dir() else left.unlink()
    unfinished = [info for info in SITE.glob("*.dist-info") if not is_finished(info)]
    for info in unfinished:
        shutil.rmtree(info)
    if any(info.name.startswith("pip-") for info in unfinished):
        run([sys.executable, "-m", "ensurepip"])


def is_finished(info: Path) -> bool:
    """Return whether a package was installed to the end, and its modules are there."""
    try:
        with (info / "RECORD").open(encoding="utf-8", newline="") as record:
            names = [row[0] for row in csv.reader(record) if row]
    except OSError:
        return False
    modules = (SITE / name for name in names if name.endswith((".py", ".so")))
    return f"{info.name}/INSTALLER" in names and all(map(Path.exists, modules))


def torch_pin(files: list[Path]) -> str | None:
    """Return the line that pins torch, as ``torch==2.13.0``."""
    texts = "\n".join(file.read_text("utf-8") for file in files)
    found = re.search(r"^torch==\S+", texts, re.MULTILINE)
    return found and found[0]


def has(pin: str) -> bool:
    """Return whether what a pin says is installed, whichever build of it."""
    name, _, wanted = pin.partition("==")
    try:
        return version(name).partition("+")[0] == wanted
    except PackageNotFoundError:
        return False


def install_torch(pin: str) -> None:
    """Install the build for the CPU, if there is a way to it; the default brings CUDA to Linux, 2.7 GB."""
    if BACKEND and sys.platform == "linux":
        with tempfile.TemporaryDirectory() as folder:
            for uv in uvs(folder):
                command = [*uv_install(uv), f"--torch-backend={BACKEND}", "--no-deps", pin]
                if can_be_reached(command):
                    run(command)
                    return
        say(f"No torch for {BACKEND} is within reach; pip takes the default one, which may bring CUDA")
    run([*pip_install(), pin])


def uvs(folder: str) -> Iterator[str]:
    """Yield programs that know where the builds of torch are: the one that is here, and one just fetched."""
    here = shutil.which("uv")
    if here:
        yield here
    target = [f"--target={folder}", f"--constraint={CONSTRAINTS}", "uv"]
    if subprocess.run([*PIP, "install", "-q", *target], check=False).returncode == 0:
        yield f"{folder}/bin/uv"


def uv_install(uv: str) -> list[str]:
    """Return the command of uv that installs here."""
    return [uv, "pip", "install", f"--python={sys.executable}", f"--constraint={CONSTRAINTS}"]


def can_be_reached(command: list[str]) -> bool:
    """Return whether uv finds the package, by asking once and without patience."""
    impatient = {"UV_HTTP_CONNECT_TIMEOUT": str(CONNECT_TIMEOUT_S), "UV_HTTP_RETRIES": "0"}
    try:
        done = subprocess.run(
            [*command, "--dry-run"],
            env=os.environ | impatient,
            capture_output=True,
            timeout=LOOK_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def install_rest(words: list[str]) -> None:
    """Install requirements: with uv where somebody has it, and with pip, which has settings of its own."""
    uv = shutil.which("uv")
    if uv and subprocess.run([*uv_install(uv), *words], check=False).returncode == 0:
        return
    run([*pip_install(), *words])


def pip_install() -> list[str]:
    """Return the command, which shows how far it is to those who look."""
    quiet = [] if sys.stdout.isatty() else ["-q"]
    return [*PIP, "install", *quiet, f"--constraint={CONSTRAINTS}"]


def run(command: list[str]) -> None:
    """Run a command to its end, or end with its exit code."""
    done = subprocess.run(command, check=False)
    if done.returncode:
        sys.exit(done.returncode)


def say(line: str) -> None:
    """Tell those who wait."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1])
