"""What is written in documentation runs: docstrings, the README and the examples."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import runpy
import sys
from pathlib import Path

import pytest

import ostl

HERE = Path(__file__).parent.parent
MODULES = [module.name for module in pkgutil.iter_modules(ostl.__path__) if not module.name.startswith("_")]
EXAMPLES = sorted(path.name for path in (HERE / "examples").glob("*.py"))


@pytest.mark.parametrize("name", ["", *MODULES])
def test_docstrings(name) -> None:
    try:
        module = importlib.import_module(f"ostl.{name}" if name else "ostl")
    except ImportError as error:
        pytest.skip(f"{error}: ostl.{name} is not tested")
    assert doctest.testmod(module).failed == 0


def test_some_docstrings_have_examples() -> None:
    assert (
        sum(doctest.testmod(importlib.import_module(f"ostl.{name}")).attempted for name in ("learner", "network", "methods"))
        > 8
    )


def test_the_readme() -> None:
    found = doctest.testfile(str(HERE / "README.md"), module_relative=False)
    assert found.failed == 0 and found.attempted > 15


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples(name, monkeypatch, tmp_path, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [name, "--brief"])
    # Alone on the path, so that examples do not find each other.
    runpy.run_path(str(HERE / "examples" / name), run_name="__main__")
    assert capsys.readouterr().out.strip()
