"""The report: one file, whole, safe, and with the numbers of the fit."""

import dataclasses
import re
from pathlib import Path

import pytest

from dissection.cli import main
from dissection.dataset import PairDataset
from dissection.errors import InputError
from dissection.figures.effects import percent_frame
from dissection.figures.sentences import cell_words, likes_and_dislikes
from dissection.judges import Judge
from dissection.native_file import write_native
from dissection.properties import Property
from dissection.readers import open_dataset
from dissection.regression.fit import fit
from dissection.regression.model import STANDARD
from dissection.report import ReportInput, report
from tests.conftest import make_dataset

HOSTILE = "</script><script>window.__xss=1</script><img src=x onerror=alert(1)>"


def content(dataset: PairDataset, judges: tuple[str, ...] | None = None) -> ReportInput:
    chosen = judges if judges is not None else dataset.judge_names
    groups = [group.name for group in dataset.selectable_groups]
    return ReportInput(dataset, chosen, STANDARD, tuple(fit(dataset, STANDARD, chosen, groups)))


def test_it_holds_every_part_and_the_numbers_of_the_fit() -> None:
    dataset = make_dataset(n=200)
    made = content(dataset)
    page = report(made)
    for title in ("Heatmap", "Similarity", "Scores", "Cautions and diagnostics", "Portraits", "Method"):
        assert f"<h2>{title}</h2>" in page
    assert dataset.content_hash in page
    frame = percent_frame(made.posteriors)
    part = frame[(frame["judge"] == "one") & (frame["group"] == "Code")]
    likes, _ = likes_and_dislikes(part)
    assert cell_words(likes.iloc[0]) in page
    assert "n = 100" in page
    assert page.count("Plotly.newPlot") == 3


def test_nothing_is_fetched() -> None:
    page = report(content(make_dataset(n=60)))
    body = page[page.index("<body>") :]
    assert not re.findall(r"""(?:src|href)\s*=\s*["'](?:https?:)?//""", body)
    assert "plotly.js v" in page[:5000], "the library is inside"


def test_names_are_text_wherever_they_stand() -> None:
    dataset = make_dataset(n=80, d=2)
    hostile = dataclasses.replace(
        dataset,
        name=HOSTILE,
        judges=(Judge(HOSTILE), Judge("two")),
        properties=(Property(HOSTILE + "p"), Property("p1")),
        pairs=dataset.pairs.assign(scenario=[HOSTILE + "s", "Code"] * 40),
    )
    page = report(content(hostile))
    body = page[page.index("<body>") :]
    assert "<script>window.__xss" not in body
    assert "<img src=x" not in body


def test_one_judge_gets_its_scenarios_and_no_similarity() -> None:
    page = report(content(make_dataset(n=80), ("one",)))
    assert "<h2>Similarity</h2>" not in page
    assert "one: properties by scenario." in page


def test_published_weights_have_a_report_without_scores(published: Path) -> None:
    page = report(content(open_dataset(published)))
    assert "<h2>Scores</h2>" not in page
    assert "published weights, without pairs" in page
    assert "n unknown" in page


def test_no_judge_is_refused() -> None:
    with pytest.raises(InputError, match="needs a judge"):
        report(ReportInput(make_dataset(), (), STANDARD, ()))


def test_report_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, out = tmp_path / "a.jsonl", tmp_path / "r.html"
    write_native(make_dataset(n=60), source)
    assert main(["report", str(source), "--judge", "two", "--model", "pooled", "--out", str(out)]) == 0
    page = out.read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert "<summary>two</summary>" in page
    assert "<summary>one</summary>" not in page
    assert main(["report", str(source), "--judge", "three", "--out", str(out)]) == 2
    assert main(["report", str(source), "--out", str(tmp_path / "r.pdf")]) == 2
    assert "no judge named 'three'" in capsys.readouterr().err
