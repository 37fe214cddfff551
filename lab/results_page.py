"""Page of what the steps made and found: one HTML file that fetches nothing."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from pathlib import Path

from lab.steps.manifest import Manifest, read_manifest
from lab.steps.running import Laboratory
from streamrec.durable_files import replace_bytes
from streamrec.errors import StreamrecError, Unavailable

_STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 70rem; margin: 0 auto; padding: 1rem; }
table { border-collapse: collapse; display: block; overflow-x: auto; }
th, td { text-align: left; vertical-align: top; padding: .2rem .8rem .2rem 0; }
tr { border-bottom: 1px solid #8888; }
caption { text-align: left; font-weight: 600; padding: .5rem 0; }
code { overflow-wrap: anywhere; }
"""
_MIB = 1024**2


def write_results_page(laboratory: Laboratory) -> Path:
    """Write the page, of all outputs that are there, and return where it is.

    Raises
    ------
    Unavailable
        When it can't be written.
    """
    path = laboratory.folder / "dashboard" / "index.html"
    body = "".join(_section(laboratory, step.output) for step in laboratory.steps)
    page = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>Laboratory</title><style>{_STYLE}</style></head>"
        f"<body><main><h1>Laboratory</h1>{body}</main></body></html>"
    )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_bytes(path, page.encode())
    except OSError as error:
        raise Unavailable(f"can't write {path}: {error}") from error
    return path


def _section(laboratory: Laboratory, output: str) -> str:
    step = laboratory.maker_of(output)
    try:
        made = read_manifest(laboratory.folder_of(output), laboratory.command(step))
    except StreamrecError as error:
        return f"<section><h2>{escape(step.name)}</h2><p>{escape(str(error))}</p></section>"
    findings = "".join(f"<li>{escape(finding)}</li>" for finding in made.findings)
    return (
        f"<section><h2>{escape(step.name)}</h2><p>{escape(step.title)}</p>"
        f"{_table('How it was made', _lineage(made))}"
        f"{f'<h3>Findings</h3><ul>{findings}</ul>' if findings else ''}"
        f"{_table('Metrics', list(_flat(made.metrics)))}</section>"
    )


def _lineage(made: Manifest) -> list[tuple[str, str]]:
    when = datetime.fromtimestamp(made.made_at, UTC).isoformat(" ", "seconds")
    return [
        ("made at", when),
        ("time", f"{made.duration_s:.1f} s"),
        ("peak memory", f"{made.peak_bytes / _MIB:,.0f} MiB"),
        ("version", made.code_version),
        ("data", made.data_hash),
        ("settings", made.settings_hash),
        *((f"made of {name}", hash_) for name, hash_ in made.inputs.items()),
    ]


def _flat(metrics: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield each number by its dotted name."""
    for name, value in metrics.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        elif isinstance(value, float):
            yield f"{prefix}{name}", f"{value:.6g}"
        else:
            yield f"{prefix}{name}", str(value)


def _table(caption: str, rows: Sequence[tuple[str, str]]) -> str:
    cells = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td><code>{escape(value)}</code></td></tr>'
        for name, value in rows
    )
    return f"<table><caption>{escape(caption)}</caption><tbody>{cells}</tbody></table>"
