"""The table of schemes: what it names is there, and who opens a URL loads the driver of that URL alone."""

import inspect
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest

from streamrec.adapters import opening
from streamrec.adapters.opening import ADAPTERS, PortName
from streamrec.errors import ConfigurationError

FUNCTIONS: dict[PortName, tuple[str, ...]] = {
    "event log": ("open_event_source", "open_event_sink", "require_codecs"),
    "document store": ("open_store", "open_trainer_store"),
    "hot cache": ("open_cache", "open_cache_publisher"),
    "index": ("open_index", "open_index_lookup"),
}

DRIVERS = {"kafka", "confluent_kafka", "pymongo", "redis", "sqlite3", "faiss", "torch", "falcon"}

OPENING = """
import sys
from streamrec.adapters import opening
for name in {functions}:
    getattr(opening, name)({url!r}, *{more!r}.get(name, ()))
print(*sorted(sys.modules))
"""
MORE = {"open_event_source": (["interactions"], "trainer"), "open_index": (1.0,), "open_index_lookup": (1.0,)}


def signature(function: Callable[..., object]) -> tuple[list[inspect.Parameter], str]:
    """Return the parameters, and the name of the class that is returned, which may not be loaded."""
    found = inspect.signature(function)
    returned = found.return_annotation
    return list(found.parameters.values()), getattr(returned, "__name__", str(returned))


@pytest.mark.parametrize("scheme", ADAPTERS)
def test_an_adapter_has_the_functions_of_its_ports_with_their_parameters(scheme: str) -> None:
    module = import_module(f"streamrec.adapters.{ADAPTERS[scheme].folder}.opening")
    for port in ADAPTERS[scheme].ports:
        for name in FUNCTIONS[port]:
            assert signature(getattr(module, name)) == signature(getattr(opening, name)), name


@pytest.mark.parametrize("scheme", ADAPTERS)
def test_an_example_is_of_its_scheme(scheme: str) -> None:
    assert ADAPTERS[scheme].example.startswith(f"{scheme}://")


@pytest.mark.parametrize(
    ("url", "port", "drivers"),
    [
        ("sqlite:///{folder}/file.db", "event log", {"sqlite3"}),
        ("sqlite:///{folder}/file.db", "document store", {"sqlite3"}),
        ("sqlite:///{folder}/file.db", "hot cache", {"sqlite3"}),
        ("kafka://127.0.0.1:1", "event log", {"kafka"}),
        ("mongodb://127.0.0.1:1", "document store", {"pymongo"}),
        ("redis://127.0.0.1:1/0", "hot cache", {"redis"}),
        ("http://127.0.0.1:1", "index", set()),
    ],
)
def test_only_the_driver_of_the_url_is_loaded(
    url: str, port: PortName, drivers: set[str], tmp_path: Path
) -> None:
    script = OPENING.format(functions=FUNCTIONS[port], url=url.format(folder=tmp_path), more=MORE)
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert DRIVERS & set(loaded.stdout.split()) == drivers


@pytest.mark.parametrize(
    "url", ["", "carrier-pigeon://me:s3cret@loft", "redis://me:s3cret@host", "SQLITE:///x"]
)
def test_a_scheme_that_no_adapter_serves_is_refused_with_what_is_possible(url: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        opening.open_store(url)
    assert "no document store for" in str(refused.value)
    assert "s3cret" not in str(refused.value)
    for adapter in ADAPTERS.values():
        assert (adapter.example in str(refused.value)) == ("document store" in adapter.ports)
