"""Programs of tests/benchmarks as modules."""

import importlib.util
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@contextmanager
def benchmark(name: str):
    """The program NAME.py as a module, without its setting for one thread."""
    spec = importlib.util.spec_from_file_location(f"{name}_program", BENCHMARKS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        for variable in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
            patch.setenv(variable, "1")
        patch.setitem(sys.modules, spec.name, module)
        spec.loader.exec_module(module)
        yield module
