"""Runs a notebook's cells in order, in one namespace, as a kernel does; as a module it writes the outputs.

Jupyter itself is some twenty packages; nothing in the notebook needs it.
"""

import ast
import contextlib
import io
import json
import sys
from pathlib import Path
from typing import Any

NOTEBOOK = Path(__file__).parents[3] / "examples/notebook.ipynb"


def run(notebook: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the notebook with its outputs, and the names that its cells left."""
    document: dict[str, Any] = json.loads(notebook.read_text("utf-8"))
    names: dict[str, Any] = {"__name__": "__main__"}
    for number, cell in enumerate(one for one in document["cells"] if one["cell_type"] == "code"):
        cell["execution_count"] = number + 1
        cell["outputs"] = _outputs("".join(cell["source"]), names, number + 1)
    return document, names


def _outputs(source: str, names: dict[str, Any], count: int) -> list[dict[str, Any]]:
    """Run a cell, and return what it printed and the value of its last line."""
    parsed = ast.parse(source)
    last = parsed.body.pop() if parsed.body and isinstance(parsed.body[-1], ast.Expr) else None
    printed, value = io.StringIO(), None
    with contextlib.redirect_stdout(printed):
        exec(compile(parsed, f"cell {count}", "exec"), names)
        if isinstance(last, ast.Expr):
            value = eval(compile(ast.Expression(last.value), f"cell {count}", "eval"), names)
    outputs: list[dict[str, Any]] = []
    if printed.getvalue():
        text = printed.getvalue().splitlines(keepends=True)
        outputs.append({"name": "stdout", "output_type": "stream", "text": text})
    if value is not None:
        data = {"text/plain": repr(value).splitlines(keepends=True)}
        outputs.append(
            {"data": data, "execution_count": count, "metadata": {}, "output_type": "execute_result"}
        )
    return outputs


if __name__ == "__main__":
    ran, _ = run(NOTEBOOK)
    NOTEBOOK.write_text(json.dumps(ran, indent=1, ensure_ascii=False) + "\n", "utf-8")
    sys.stdout.write(f"{NOTEBOOK} is as of now\n")
