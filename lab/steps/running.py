"""Running a step: inputs are checked, a finished output is kept, a new one is put in place by a rename."""

import os
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from lab.configuration.lab_settings import LabSettings
from lab.steps import manifest as manifests
from lab.steps.manifest import Manifest, read_manifest
from lab.steps.peak_memory import forget_peak, peak_bytes
from lab.steps.step import Bar, Outcome, Step, StepRun
from streamrec import __version__
from streamrec.durable_files import replace_folder, sync
from streamrec.errors import CorruptArtifact, InvalidInput, StreamrecError, Unavailable

DEFAULT_FOLDER = Path("var/lab")
_MIB = 1024**2


class FailedChecks(StreamrecError):
    """A step's checks found something, and the command was told to fail then."""


@dataclass(frozen=True)
class Laboratory:
    """The steps there are, and the folder that they work in.

    Attributes
    ----------
    bar, say
        See `StepRun`.
    clock
        Unix seconds.
    """

    steps: Sequence[Step]
    folder: Path
    settings: LabSettings
    bar: Bar
    say: Callable[[str], None]
    clock: Callable[[], float] = time.time

    def folder_of(self, output: str) -> Path:
        """Return where an output is."""
        return self.folder / output

    def maker_of(self, output: str) -> Step:
        """Return the step that makes an output."""
        return next(step for step in self.steps if step.output == output)

    def command(self, step: Step) -> str:
        """Return the command line of a step."""
        return f"python -m lab {step.name}"

    def run(
        self, step: Step, *, again: bool = False, accepts_other_inputs: bool = False, is_strict: bool = False
    ) -> Manifest:
        """Run a step, unless its output is there already, of the same settings and inputs.

        Parameters
        ----------
        again
            Run it in any case.
        accepts_other_inputs
            Take inputs that were made of other data or settings than the ones at hand.
        is_strict
            Raise when the step's checks find something; the output is in place all the same.

        Raises
        ------
        InvalidInput, CorruptArtifact
            When an input is missing, damaged or of another run; the message names the command that makes it.
        FailedChecks
            See `is_strict`.
        Unavailable
            When the output can't be written.
        """
        lineage = self._checked_inputs(step, accepts_other_inputs=accepts_other_inputs)
        done = None if again else self._done(step, lineage)
        if done is not None:
            self.say(f"{step.name}: {self.folder_of(step.output)} is up to date; --again makes it anew")
            found = done
        else:
            found = self._make(step, lineage)
        for finding in found.findings:
            self.say(f"{step.name}: {finding}")
        if is_strict and found.findings:
            raise FailedChecks(f"{step.name}: {len(found.findings)} checks failed")
        return found

    def _checked_inputs(self, step: Step, *, accepts_other_inputs: bool) -> dict[str, str]:
        """Return the data hashes of all that the step stands on."""
        lineage = dict(step.sources(self.settings))
        for name in step.inputs:
            maker = self.maker_of(name)
            made = read_manifest(self.folder_of(name), self.command(maker))
            reason = self._other_settings(maker, made) or self._other_ancestors(made)
            if reason and not accepts_other_inputs:
                raise InvalidInput(
                    f"{self.folder_of(name)} {reason}; make it anew with: {self.command(maker)},"
                    f" or take it as it is: --accept-other-inputs"
                )
            lineage |= made.inputs | {name: made.data_hash}
        return lineage

    def _other_settings(self, step: Step, made: Manifest) -> str:
        wanted = manifests.settings_of(self.settings, step.sections)
        if made.settings_hash == manifests.settings_hash(wanted):
            return ""
        changed = sorted(_changed(made.settings, wanted))
        return f"was made with other settings ({', '.join(changed[:3])}{' ...' if changed[3:] else ''})"

    def _other_ancestors(self, made: Manifest) -> str:
        """Return which of the outputs that one stands on has changed since; a missing one has not."""
        for name, was in made.inputs.items():
            path = self.folder_of(name)
            if not any(step.output == name for step in self.steps) or not path.is_dir():
                continue
            maker = self.maker_of(name)
            ancestor = read_manifest(path, self.command(maker))
            if ancestor.data_hash != was:
                return f"was made of another {name} than {path}"
            reason = self._other_settings(maker, ancestor)
            if reason:
                return f"was made of {path}, which {reason}"
        return ""

    def _done(self, step: Step, lineage: Mapping[str, str]) -> Manifest | None:
        """Return the manifest of the step's output if that is what the step would make."""
        try:
            made = read_manifest(self.folder_of(step.output), self.command(step))
        except InvalidInput:
            return None
        except CorruptArtifact as error:
            self.say(f"{error}: made anew now")
            return None
        is_same = made.inputs == lineage and not self._other_settings(step, made)
        return made if is_same and made.step == step.name else None

    def _make(self, step: Step, lineage: dict[str, str]) -> Manifest:
        final = self.folder_of(step.output)
        temporary = final.with_name(f".{final.name}.{os.getpid()}.tmp")
        forget_peak()
        began = time.perf_counter()
        try:
            shutil.rmtree(temporary, ignore_errors=True)
            temporary.mkdir(parents=True)
            inputs = {name: self.folder_of(name) for name in step.inputs}
            outcome = step.run(StepRun(self.settings, temporary, inputs, self.bar, self.say))
            made = self._described(step, outcome, lineage, temporary, time.perf_counter() - began)
            payload = msgspec.json.format(msgspec.json.encode(made), indent=2)
            (temporary / manifests.FILE).write_bytes(payload)
            for path in [*temporary.rglob("*"), temporary]:
                sync(path)
            replace_folder(final, temporary)
        except OSError as error:
            raise Unavailable(f"can't write {final}: {error}") from error
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
        peak_mib = made.peak_bytes / _MIB
        self.say(f"{step.name}: {final} in {made.duration_s:.1f} s, peak memory {peak_mib:,.0f} MiB")
        return made

    def _described(
        self, step: Step, outcome: Outcome, lineage: dict[str, str], folder: Path, duration_s: float
    ) -> Manifest:
        values = manifests.settings_of(self.settings, step.sections)
        files = manifests.files_in(folder)
        return Manifest(
            format_version=manifests.FORMAT_VERSION,
            step=step.name,
            data_hash=manifests.data_hash(files),
            settings_hash=manifests.settings_hash(values),
            settings=values,
            inputs=lineage,
            code_version=__version__,
            made_at=self.clock(),
            duration_s=duration_s,
            peak_bytes=peak_bytes(),
            metrics=msgspec.to_builtins(outcome.metrics),
            findings=list(outcome.findings),
            files=files,
        )


def _changed(was: Mapping[str, object], wanted: Mapping[str, object], prefix: str = "") -> list[str]:
    """Return the dotted names of the settings that differ."""
    names: list[str] = []
    for name in {**was, **wanted}:
        old, new = was.get(name), wanted.get(name)
        if isinstance(old, dict) and isinstance(new, dict):
            names += _changed(old, new, f"{prefix}{name}.")
        elif old != new:
            names.append(f"{prefix}{name}: {old!r}, now {new!r}")
    return names
