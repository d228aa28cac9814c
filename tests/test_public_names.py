"""The public names: what `ia.` offers, to people and to their editors."""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import re
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

import impressions_analytics as ia
from impressions_analytics import columns
from impressions_analytics.loader.decode import Decoder, build_frame

NAMES = [name for name in ia.__all__ if name not in ("__version__", "sandbox")]


FUNCTIONS = [name for name in NAMES if inspect.isfunction(getattr(ia, name))]


@pytest.mark.parametrize("name", NAMES)
def test_a_public_name_is_there_and_says_in_a_sentence_what_it_is(name):
    first = inspect.getdoc(getattr(ia, name)).splitlines()[0]
    assert first.endswith((".", ":")) and len(first.split()) >= 4, first
    assert name in dir(ia)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_public_function_shows_and_explains_every_parameter(name):
    function = getattr(ia, name)
    parameters = inspect.signature(function).parameters.values()
    assert not [one for one in parameters if one.kind in (one.VAR_KEYWORD, one.VAR_POSITIONAL)]
    explained = inspect.getdoc(function)
    if "as in `load_impressions`" not in " ".join(explained.split()):
        missing = [one.name for one in parameters if not re.search(rf"\b{one.name}\b", explained)]
        assert missing == []


def test_a_wrong_keyword_is_answered_by_the_function_that_was_called():
    with pytest.raises(TypeError, match=r"load_clicks\(\) got an unexpected keyword argument 'mailing'"):
        ia.load_clicks(mailing=412)
    with pytest.raises(TypeError, match=r"from_env\(\) got an unexpected keyword argument 'token'"):
        ia.Copernica.from_env(token="abc")


def test_an_editor_sees_every_name_in_the_stub():
    tree = ast.parse(Path(ia.__file__).with_suffix(".pyi").read_text(encoding="utf-8"))
    seen = {alias.asname for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert seen == {*NAMES, "sandbox"}


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


def test_readme_names_places_to_add_things_that_are_there():
    package = Path(ia.__file__).parent
    text = (package.parent / "README.md").read_text(encoding="utf-8").split("## Where to add things")[1].split("## ")[0]
    places = [place for place in re.findall(r"`([\w/.]+(?:\.py|\.pyi|\.toml|/))`", text) if "impressions" not in place]
    assert len(places) >= 10
    assert [place for place in places if not (package / place).exists()] == []


def lists_of_names() -> dict[Path, set[str]]:
    """Each file that hands names on (`__init__`), with the names that it imports or lists."""
    package = Path(ia.__file__).parent
    found = {}
    for path in [*package.rglob("__init__.py"), *package.rglob("__init__.pyi")]:
        nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
        imported = {alias.name for node in nodes if isinstance(node, ast.ImportFrom) for alias in node.names}
        found[path] = imported | {node.value for node in nodes if isinstance(node, ast.Constant)}
    return found


def test_an_analysis_is_added_in_three_files_and_a_chart_in_two():
    lists = lists_of_names()
    analyses = importlib.import_module("impressions_analytics.analytics").__all__
    charts = [name for name in NAMES if name.startswith("plot_")]
    assert len(charts) >= 7
    for name in (*analyses, *charts):
        further = [str(path) for path, names in lists.items() if name in names]
        assert len(further) == (1 if name in charts else 2), (name, further)  # beside the file that defines it


def test_a_column_is_added_in_one_row_and_comes_through_decoding_frame_and_parquet(monkeypatch, tmp_path):
    colour = columns.Column("colour", "category", "the colour of the button", "green", nullable=True)
    monkeypatch.setitem(columns.KINDS, "clicks", (*columns.KINDS["clicks"], colour))
    decoder = Decoder("clicks")
    row = {column.wire_names[0]: column.example for column in columns.columns_of("clicks")}
    body = json.dumps({"start": 0, "limit": 1, "count": 1, "total": 1, "data": [row]}).encode()
    frame = build_frame(decoder, [pa.Table.from_batches([decoder.decode(body).rows])])
    back = ia.read_snapshot(ia.write_snapshot(frame, tmp_path / "clicks.parquet", kind="clicks"))
    assert back["colour"].tolist() == ["green"]
    assert str(back["colour"].dtype) == "category"


def test_the_package_has_no_more_than_seventeen_entries():
    entries = {path.name for path in Path(ia.__file__).parent.iterdir()} - {"__pycache__"}
    assert len(entries) <= 17, sorted(entries)


ASKED_OF_MYPY = """
from collections.abc import Iterator
import pandas as pd
import impressions_analytics as ia

class IbisTable:
    def to_pyarrow_batches(self) -> Iterator[object]: return iter(())

class SparkFrame:
    def toPandas(self) -> pd.DataFrame: return pd.DataFrame()

reveal_type(ia.impressions_over_time(pd.DataFrame(), every="week"))
reveal_type(ia.impressions_over_time(IbisTable(), every="week"))
reveal_type(ia.human_opens(SparkFrame()))
reveal_type(ia.open_decay("opens.parquet", "destinations.parquet"))
ia.impressions_over_time(pd.DataFrame(), every="fortnight")
ia.human_opens(pd.DataFrame(), mailing=412)
"""


@pytest.mark.slow
def test_a_type_checker_knows_that_a_frame_gives_a_frame_and_a_lazy_table_its_own_kind(tmp_path):
    api = pytest.importorskip("mypy.api")
    (tmp_path / "asked.py").write_text(ASKED_OF_MYPY)
    out, _, _ = api.run(["--strict", "--cache-dir", str(tmp_path / "cache"), str(tmp_path / "asked.py")])
    revealed = re.findall(r'Revealed type is "([\w.]+)', out)
    frame = "pandas.core.frame.DataFrame"
    assert revealed == [frame, "asked.IbisTable", "asked.SparkFrame", frame]
    assert set(re.findall(r"asked\.py:(\d+): error", out)) == {"16", "17"}  # the two wrong options


def test_help_shows_the_parameters_of_an_analysis():
    assert list(inspect.signature(ia.impressions_over_time).parameters) == [
        "data", "every", "by", "count", "cumulative", "kinds",
    ]  # fmt: skip
