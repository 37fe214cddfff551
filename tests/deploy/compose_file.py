"""docker-compose.yml as Compose itself reads it: variables filled in, anchors merged."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]

_VARIABLE = re.compile(
    r"\$(?:(?P<dollar>\$)|(?P<plain>\w+)|\{(?P<name>\w+)(?:(?P<rule>:?[-+?])(?P<word>.*))?\})", re.S
)


def services(environment: Mapping[str, str] | None = None) -> dict[str, dict[str, Any]]:
    """Return every service, of every profile, with these variables set and no others."""
    return dict(load(environment)["services"])


def load(environment: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return the whole file."""
    raw = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
    filled: dict[str, Any] = _filled(raw, environment or {})
    return filled


def _filled(node: Any, environment: Mapping[str, str]) -> Any:
    if isinstance(node, dict):
        return {key: _filled(value, environment) for key, value in node.items()}
    if isinstance(node, list):
        return [_filled(value, environment) for value in node]
    return fill(node, environment) if isinstance(node, str) else node


def fill(text: str, environment: Mapping[str, str]) -> str:
    """Fill variables in as the Compose specification's "Interpolation" has it; words may nest.

    >>> fill("$$HOME ${A:-b${C}} ${C:+yes} ${A+${C}}.", {"C": "c"})
    '$HOME bc yes .'
    """
    filled, rest = "", text
    while "$" in rest:
        before, _, after = rest.partition("$")
        length = _length_of_variable("$" + after)
        match = _VARIABLE.fullmatch("$" + after[: length - 1])
        if match is None:
            raise ValueError(f"{text!r} is no valid template")
        filled += before + _value(match, environment)
        rest = after[length - 1 :]
    return filled + rest


def _length_of_variable(text: str) -> int:
    """Return how long the variable at the start is; braces nest."""
    if text[1:2] != "{":
        return len(re.match(r"\$(\$|\w*)", text)[0])  # type: ignore[index]  # it always matches
    depth = 0
    for position, character in enumerate(text):
        depth += (character == "{") - (character == "}")
        if depth == 0 and position > 1:
            return position + 1
    raise ValueError(f"{text!r}: a brace is not closed")


def _value(match: re.Match[str], environment: Mapping[str, str]) -> str:
    if match["dollar"]:
        return "$"
    value = environment.get(match["plain"] or match["name"])
    rule, word = match["rule"] or "", match["word"] or ""
    is_given = bool(value) if rule.startswith(":") else value is not None
    if rule.endswith("-") and not is_given:
        return fill(word, environment)
    if rule.endswith("+"):
        return fill(word, environment) if is_given else ""
    if rule.endswith("?") and not is_given:
        raise ValueError(f"{match['name']}: {word}")
    return value or ""
