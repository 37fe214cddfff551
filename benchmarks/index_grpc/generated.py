"""Python made of `index_grpc.proto` at run time, in a folder that is thrown away."""

import importlib
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

from grpc_tools import protoc

_PROTO = Path(__file__).with_name("index_grpc.proto")


class Code(NamedTuple):
    """The two modules that protoc makes: messages, and the service's stub and registration."""

    messages: Any
    services: Any


def compile_proto(directory: Path) -> None:
    """Write the two modules into `directory`."""
    well_known = str(files("grpc_tools") / "_proto")
    outputs = [f"--python_out={directory}", f"--grpc_python_out={directory}"]
    paths = [f"-I{_PROTO.parent}", f"-I{well_known}"]
    if protoc.main(["protoc", *paths, *outputs, _PROTO.name]):
        raise SystemExit(f"protoc refused {_PROTO}")


def load_code(directory: Path) -> Code:
    """Import what `compile_proto` wrote into `directory`."""
    sys.path.insert(0, str(directory))
    return Code(importlib.import_module("index_grpc_pb2"), importlib.import_module("index_grpc_pb2_grpc"))
