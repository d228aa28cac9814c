"""The public names: what `ia.` offers, to people and to their editors."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import impressions_analytics as ia

NAMES = [name for name in ia.__all__ if name not in ("__version__", "sandbox")]


@pytest.mark.parametrize("name", NAMES)
def test_a_public_name_is_there_and_documented(name):
    assert getattr(ia, name).__doc__
    assert name in dir(ia)


def test_editors_see_the_names_that_there_are():
    tree = ast.parse(Path(ia.__file__).read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {(node.module, alias.asname) for node in block.body for alias in node.names}
    assert {(f"impressions_analytics.{ia._MODULE_OF[name]}", name) for name in NAMES} == seen - {
        ("impressions_analytics", "sandbox")
    }


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="load_opens"):
        _ = ia.load_opens


def test_importing_the_package_loads_nothing_heavy():
    heavy = {"pandas", "numpy", "matplotlib", "ibis", "duckdb", "requests", "impressions_analytics.sandbox"}
    script = f"import sys, impressions_analytics; print(sorted({heavy!r} & set(sys.modules)))"
    root = Path(ia.__file__).parent.parent
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=root, check=True)
    assert done.stdout.strip() == "[]"


def test_every_module_says_what_it_is():
    for path in Path(ia.__file__).parent.rglob("*.py"):
        assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), path


def test_every_exception_of_the_tree_is_public():
    errors = importlib.import_module("impressions_analytics.errors")
    tree = {name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, Exception)}
    assert tree <= set(NAMES)
