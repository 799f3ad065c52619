"""What imports what, and that everything public says what it is."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LIBRARY = ROOT / "dissection"
FILES = sorted(LIBRARY.rglob("*.py"))
CORE = [path for path in FILES if "dashboard" not in path.relative_to(LIBRARY).parts]


def module(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(path: Path) -> set[str]:
    """Every module that a file imports anywhere, also inside functions; relative ones as they stand."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name} imports relatively"
            found |= {node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def tops(path: Path) -> set[str]:
    return {name.split(".")[0] for name in imported(path)}


def test_importing_the_library_loads_neither_streamlit_nor_pymc() -> None:
    names = [module(path) for path in CORE if path.stem != "__main__"]
    assert len(names) > 25
    code = f"""
import importlib, json, sys
for name in {names!r}:
    importlib.import_module(name)
print(json.dumps(sorted({{name.split(".")[0] for name in sys.modules}} & {{"streamlit", "pymc", "pytensor", "arviz", "pages", "app"}})))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120, check=True)
    assert json.loads(done.stdout) == []


@pytest.mark.parametrize("path", FILES, ids=module)
def test_the_library_imports_no_page(path: Path) -> None:
    assert not tops(path) & {"pages", "app", "tests", "benchmarks"}


@pytest.mark.parametrize("path", CORE, ids=module)
def test_streamlit_is_in_the_dashboard_alone(path: Path) -> None:
    assert "streamlit" not in tops(path)
    assert not any(name.startswith("dissection.dashboard") for name in imported(path)), "the street is one-way"


def test_pymc_is_imported_where_it_is_used() -> None:
    assert [module(path) for path in FILES if "pymc" in tops(path)] == ["dissection.regression.nuts"]
    top_level = [
        node for node in ast.parse((LIBRARY / "regression" / "nuts.py").read_text(encoding="utf-8")).body if isinstance(node, ast.Import)
    ]
    assert "pymc" not in {alias.name for node in top_level for alias in node.names}


# The way of the data; a module may import from its own station and from those before it.
STATIONS = [
    [
        "errors",
        "settings",
        "cache_folder",
        "judges",
        "properties",
        "verdicts",
        "comparisons",
        "spool",
        "whole_file",
        "tables",
        "tables_text",
        "tables_json",
        "tables_lines",
        "tables_parquet",
        "dataset",
        "rating_rules",
        "text_measures",
        "text_properties",
        "agreement",
        "shapley",
    ],
    ["readers"],
    ["regression"],
    [
        "similarity",
        "clusters",
        "explanation",
        "inspection",
        "doctor",
        "export",
        "native_file",
        "scenarios",
        "append",
        "community",
        "contrasts",
        "likeness",
        "noise",
        "substance",
        "surprise",
        "mistakes",
        "endpoint",
    ],
    ["asking", "annotating", "sway"],
    ["figures"],
]


def _station(name: str) -> int | None:
    part = name.split(".")[1] if name.count(".") else ""
    return next((number for number, parts in enumerate(STATIONS) if part in parts), None)


@pytest.mark.parametrize("path", CORE, ids=module)
def test_nothing_turns_back(path: Path) -> None:
    """No reader draws, no figure fits and nothing in the regression reads a file."""
    own = _station(module(path))
    if own is None:
        return
    later = {name for name in imported(path) if name.startswith("dissection.") and (_station(name) or 0) > own}
    assert not later
    if own == len(STATIONS) - 1:
        assert not {name for name in imported(path) if name.startswith(("dissection.regression.fit", "dissection.readers"))}


@pytest.mark.parametrize("path", FILES, ids=module)
def test_everything_public_has_a_docstring(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree), "the module"
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node), node.name


@pytest.mark.parametrize("path", FILES, ids=module)
def test_everything_is_annotated(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef):
            assert node.returns is not None, f"{node.name} in line {node.lineno}"
            arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            bare = [argument.arg for argument in arguments if argument.annotation is None and argument.arg not in ("self", "cls")]
            assert not bare, f"{node.name} in line {node.lineno}"
