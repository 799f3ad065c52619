"""What the documentation shows is run as it stands there."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from dissection.cli import main

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    assert main(["demo", "--pairs", "300", "--judges", "4", "--out", str(tmp_path / "demo.jsonl")]) == 0
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", ["README.md", "docs/python.md", "docs/substance.md", "docs/trust.md", "docs/sway.md"])
def test_python_blocks_run(demo: Path, name: str) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / name).read_text(encoding="utf-8"), re.DOTALL)
    assert blocks
    for block in blocks:
        done = subprocess.run(
            [sys.executable, "-c", block], check=False, cwd=demo, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stderr


def test_names_in_the_table_exist() -> None:
    import importlib

    text = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    modules = re.findall(r"`(dissection(?:\.\w+)+)`", text)
    assert len(modules) > 8
    for name in modules:
        importlib.import_module(name)
    for module, names in {
        "dissection.regression.cells": ["cells"],
        "dissection.regression.sampling": ["run"],
        "dissection.regression.nuts": ["Settings"],
        "dissection.regression.model": ["choose_model"],
        "dissection.regression.scores": ["score", "scores_frame"],
        "dissection.similarity": ["similarity_matrix"],
        "dissection.explanation": ["contributions"],
        "dissection.doctor": ["examine"],
        "dissection.labels": ["read_labels"],
        "dissection.mapping": ["read_mapped", "propose"],
        "dissection.native_file": ["write_native"],
        "dissection.report": ["report"],
    }.items():
        for attribute in names:
            assert hasattr(importlib.import_module(module), attribute), f"{module}.{attribute}"


@pytest.mark.parametrize("name", ["README.md", *(f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md")))])
def test_links_lead_somewhere(name: str) -> None:
    folder = (ROOT / name).parent
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", (ROOT / name).read_text(encoding="utf-8")):
        assert (folder / target).exists(), target
