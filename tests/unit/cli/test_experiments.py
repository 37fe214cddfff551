"""`experiment`: a command for each route, and the results in words."""

import json
from pathlib import Path
from typing import Any

import pytest

from streamrec.cli.app import main
from streamrec.cli.experiments.report_text import report_lines
from tests.unit.cli.test_service_call import Answerer, answerer

__all__ = ["answerer"]

STORED: dict[str, Any] = {
    "id": "x", "version": 3, "era": 3, "state": "running", "ramp": 5.0, "layer": "default", "control": "a",
    "stopped_by": None, "reason": None, "variants": [{"name": "a"}, {"name": "b"}],
}  # fmt: skip
WRITTEN = {"id": "x", "control": "a", "primary": "ctr", "variants": [{"name": "a"}, {"name": "b"}], "era": 2}


def run(answerer: Answerer, *arguments: str) -> int:
    with pytest.raises(SystemExit) as exited:
        main(["experiment", *arguments, "--url", answerer.url, "--api-key", "boss"])
    assert isinstance(exited.value.code, int)
    return exited.value.code


def answers(answerer: Answerer, *bodies: Any) -> None:
    answerer.answers = [(200, json.dumps(body).encode()) for body in bodies]


def test_a_definition_is_created_and_replaced_from_a_file(
    answerer: Answerer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, toml = tmp_path / "x.json", tmp_path / "x.toml"
    file.write_text(json.dumps(WRITTEN))
    toml.write_text('id = "x"\ncontrol = "a"\nprimary = "ctr"\nvariants = [{name = "a"}, {name = "b"}]\n')
    answers(answerer, STORED, {"definition": STORED}, STORED)
    assert run(answerer, "create", str(file), "--run") == 0
    assert run(answerer, "create", str(toml), "--replace") == 0
    body = {name: value for name, value in WRITTEN.items() if name not in ("id", "era")}
    assert answerer.asked == [
        ("PUT", "/v1/experiments/x", "boss", body | {"state": "running"}),
        ("GET", "/v1/experiments/x", "boss", None),
        ("PUT", "/v1/experiments/x", "boss", body | {"version": 3}),
    ]
    assert "begins anew" in "".join(capsys.readouterr())


@pytest.mark.parametrize("text", ["{", "[]", '{"control": "a"}', '{"id": 5}', "[" * 5000])
def test_a_file_that_is_no_definition_is_named(
    answerer: Answerer, tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "x.json"
    file.write_text(text)
    assert run(answerer, "create", str(file)) != 0
    assert str(file) in capsys.readouterr().err
    assert answerer.asked == []


def test_ramp_and_stop_are_orders(answerer: Answerer) -> None:
    answers(answerer, STORED, STORED)
    assert run(answerer, "ramp", "x", "25") == 0
    assert run(answerer, "stop", "a/b", "--reason", "too much") == 0
    assert answerer.asked == [
        ("POST", "/v1/experiments/x/ramp", "boss", {"percent": 25.0}),
        ("POST", "/v1/experiments/a%2Fb/stop", "boss", {"reason": "too much"}),
    ]


def test_a_refusal_is_said(answerer: Answerer, capsys: pytest.CaptureFixture[str]) -> None:
    answerer.answers = [(409, b'{"detail": "somebody else was faster"}')]
    assert run(answerer, "ramp", "x", "25") != 0
    assert "somebody else was faster" in capsys.readouterr().err


def test_all_are_listed(answerer: Answerer, capsys: pytest.CaptureFixture[str]) -> None:
    answers(answerer, {"experiments": [STORED], "broken": {"y": "it holds no definition"}})
    assert run(answerer, "list") == 0
    said = capsys.readouterr().out
    assert "x  running  5 % of layer default  a, b" in said
    assert "y  can't be read: it holds no definition" in said


def test_results_are_told_in_words(answerer: Answerer, capsys: pytest.CaptureFixture[str]) -> None:
    variant = {"name": "b", "n_users": 1200, "n_exposures": 3000}
    metrics = {"ctr": {"n": 1000, "mean": 0.25, "interval": [0.2, 0.3]}}
    comparison = {"variant": "b", "metric": "ctr", "uplift": 0.01, "confidence_sequence": None}
    results = {
        "variants": [variant | {"metrics": metrics}],
        "comparisons": [comparison | {"is_significant": False}],
        "guardrails": [{"metric": "depth", "variant": "b", "state": "ok"}],
        "sample_ratio": {"p_value": 1e-5, "alarm": True},
        "verdict": {"decision": "keep running", "variant": "b", "reason": "too early"},
    }
    lines = report_lines(
        {"definition": STORED | {"stopped_by": "guardrail", "reason": "R"}, "results": results}
    )
    text = "\n".join(lines)
    for words in ("running by guardrail", "1,200 users, 3,000 lists", "ctr 0.25 [0.2, 0.3]", "not decided"):
        assert words in text
    for words in ("R", "guardrail depth of b: ok", "p = 1e-05", "keep running: b, too early"):
        assert words in text
    answers(answerer, {"definition": STORED, "results": None}, {"definition": STORED, "results": results})
    assert run(answerer, "report", "x") == 0
    assert "No results yet" in capsys.readouterr().out
    assert run(answerer, "report", "x", "--json") == 0
    assert json.loads(capsys.readouterr().out)["results"] == results
