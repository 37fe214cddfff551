"""`backup` and `restore`: everything that an installation holds, copied while it works, and put back."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streamrec.cli.screen import say
from streamrec.settings.processes import LocationSettings
from streamrec.settings.reading import read_settings

if TYPE_CHECKING:  # the command line is to be there at once
    from streamrec.cli.backup.manifest import BackupManifest


def backup(folder: Annotated[Path, typer.Argument(help="A new folder, or an empty one.")]) -> None:
    """Copy logs, stores, cache, snapshots and checkpoints while the system works.

    Keys, settings and files that were trained on are not copied: they are yours.
    """
    # What it works with takes seconds to import: no other command should wait for it.
    from streamrec.cli.backup.backing_up import back_up

    manifest = back_up(folder, read_settings(LocationSettings))
    say(f"{folder}: {_described(manifest)}")


def restore(
    folder: Annotated[Path, typer.Argument(help="A backup.")],
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace what is there: files, the database, our keys.")
    ] = False,
    check: Annotated[bool, typer.Option("--check", help="Only see whether the backup is whole.")] = False,
) -> None:
    """Put a backup where the settings say, here or elsewhere; refused where something is already.

    Nothing may work with that place meanwhile. Start the processes afterwards: they go on from the backup.
    """
    from streamrec.cli.backup.manifest import checked_manifest
    from streamrec.cli.backup.restoring import put_back

    if check:
        say(f"{folder} is whole: {_described(checked_manifest(folder))}")
    else:
        manifest = put_back(folder, read_settings(LocationSettings), overwrite=overwrite)
        say(f"restored: {_described(manifest)}")


def _described(manifest: "BackupManifest") -> str:
    n_bytes = sum(check.n_bytes for check in manifest.files.values())
    entries = ", ".join(f"{sum(part.counts.values()):,} of {name}" for name, part in manifest.parts.items())
    return f"generation {manifest.generation}; {len(manifest.files):,} files, {n_bytes:,} bytes; {entries}"
