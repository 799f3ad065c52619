"""What the program never does with data, where files of visitors lie, and that the licences and the audit are what they say."""

import ast
import os
import re
import stat
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from typing import Any

import pytest

from dissection import spool
from dissection.figures.style import plain_markdown

ROOT = Path(__file__).resolve().parents[1]
PROGRAM = [ROOT / "app.py", *sorted((ROOT / "pages").glob("*.py")), *sorted((ROOT / "dissection").rglob("*.py"))]
# What makes a program of data, or a command of words.
MODULES = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib", "yaml", "code", "runpy", "pty"}
CALLS = {"eval", "exec", "compile", "__import__", "os.system", "os.popen", "pd.read_pickle", "pd.eval", "torch.load", "tempfile.mktemp"}
SWITCHES = {"shell", "allow_pickle", "unsafe_allow_html", "unsafe_allow_javascript"}
SWITCHES = {"shell", "allow_pickle", "unsafe_allow_html", "unsafe_allow_javascript"}
# Results of this server's own, in a file that has no name and that only this process has open.
OWN_PICKLES = {"dissection/dashboard/kept.py"}


def script(name: str) -> Any:
    """A script of .ci as a module."""
    loader = SourceFileLoader(name, str(ROOT / ".ci" / name))
    module = module_from_spec(spec_from_loader(name, loader))  # type: ignore[arg-type]
    loader.exec_module(module)
    return module


def dangers(source: str) -> list[str]:
    """What in a program makes a program of data, as it stands there."""
    found: list[str] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names if alias.name.split(".")[0] in MODULES]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in MODULES:
            found.append(str(node.module))
        elif isinstance(node, ast.Call):
            given = {word.arg for word in node.keywords if ast.unparse(word.value) != "False"}
            found += [ast.unparse(node)] if ast.unparse(node.func) in CALLS or given & SWITCHES else []
    return found


def test_data_are_never_run() -> None:
    found = {str(path.relative_to(ROOT)): dangers(path.read_text(encoding="utf-8")) for path in PROGRAM}
    assert len(found) > 200
    assert {path: said for path, said in found.items() if said and (path not in OWN_PICKLES or said != ["pickle"])} == {}


@pytest.mark.parametrize("line", ["import pickle", "from yaml import load", "eval(x)", "np.load(x, allow_pickle=True)", "run(x, shell=y)"])
def test_what_would_run_data_is_found(line: str) -> None:
    assert dangers(line)


def test_texts_lie_in_a_file_that_is_private_and_has_no_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool.tempfile, "tempdir", str(tmp_path))
    with spool.private_file() as file:
        facts = os.fstat(file.fileno())
        assert stat.S_IMODE(facts.st_mode) == 0o600
        assert facts.st_nlink == 0
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "text", ["1. one", "= x", "a\n===", ":material/home: :material_home: :smile:", "&lt;b&gt;", "a -> b", "a\n\n    b"]
)
def test_markdown_that_is_no_markdown_by_itself(text: str) -> None:
    """Each has something that an escape of Markdown's punctuation alone leaves alive; that nothing comes of them is seen in Chromium."""
    shown = plain_markdown(text)
    assert "\n" not in shown
    unescaped = re.sub(r"\\(?=[!-/:-@\[-`{-~])", "", shown)
    assert re.sub("\u2060", "", unescaped).split() == text.split()
    assert not re.search(r"^\s*\d+\.|^\s*=|(?<!\\)&|\s{4}", shown)
    assert not re.search(r":[\w+/-]+:|(^|\s)->(\s|$)", unescaped)


def test_the_licences_are_those_of_what_is_installed() -> None:
    found = script("licences").closure((ROOT / "requirements.txt").read_text(encoding="utf-8"))
    listed = {
        line.split("|")[1].strip() for line in (ROOT / "docs" / "licences.md").read_text(encoding="utf-8").splitlines() if line[:1] == "|"
    }
    assert len(found) > 60
    assert set(found) <= listed, "run: python .ci/licences"


def test_licences_are_named_as_packages_name_them() -> None:
    words = {name: script("licences").licence(package) for name, package in script("licences").closure("tqdm\nplotly\npandas").items()}
    assert words["tqdm"].startswith("MPL-2.0")
    assert (words["plotly"], words["pandas"]) == ("MIT", "BSD-3-Clause")
    text = (ROOT / "docs" / "licences.md").read_text(encoding="utf-8")
    assert "tqdm (MPL-2.0" in text.split("| package")[0]
    assert "not said" not in text


SOUND = {"name": "sound", "version": "1.0", "vulns": []}
FAULTY = {"name": "faulty", "version": "2.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2.1"]}]}
UNKNOWN = {"name": "unknown", "skip_reason": "Dependency not found on PyPI and could not be audited: unknown (1.0)"}


@pytest.mark.parametrize(
    ("found", "trouble", "status", "words"),
    [
        ([SOUND], "", 0, "0 known vulnerabilities in 1 packages"),
        ([SOUND, FAULTY], "", 1, "faulty 2.0: PYSEC-1, mended in 2.1"),
        ([FAULTY, UNKNOWN], "", 1, "not looked up: unknown"),
        ([UNKNOWN], "", 0, "can't be reached, so nothing was looked up"),
        ([], "Failed to resolve 'api.osv.dev'", 0, "Failed to resolve"),
    ],
)
def test_the_audit_says_what_was_looked_up(found: list[dict[str, Any]], trouble: str, status: int, words: str) -> None:
    said, lines = script("audit").judged(found, trouble)
    assert said == status
    assert words in "\n".join(lines)
    assert bool(trouble or found == [UNKNOWN]) == (len(lines) == 1 and "nothing was looked up" in lines[0])
