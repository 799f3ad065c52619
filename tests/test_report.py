"""The report: one file, whole, safe, and with the numbers of the fit."""

import dataclasses
import re
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from dissection.cli import main
from dissection.dataset import PairDataset
from dissection.errors import InputError
from dissection.figures.effects import percent_frame
from dissection.figures.sentences import cell_words, likes_and_dislikes
from dissection.jobs.store import PosteriorStore
from dissection.judges import Judge
from dissection.native_file import write_native
from dissection.properties import Property
from dissection.readers import open_dataset
from dissection.regression.cells import cells
from dissection.regression.diagnostics import Diagnostics
from dissection.regression.fit import fit
from dissection.regression.model import STANDARD
from dissection.regression.nuts import Settings
from dissection.report import ReportInput, report
from tests.conftest import make_dataset
from tests.jobs_cells import made_up
from tests.test_full_analysis_pages import data, put
from tests.test_pages import Open, open_page, text

if TYPE_CHECKING:
    from playwright.sync_api import Page

__all__ = ["data", "open_page"]

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


def test_sampled_cells_have_their_diagnostics() -> None:
    made = content(make_dataset(n=60), ("one",))
    passed = Diagnostics(1.0034, 1234.0, 987.0, 0, 0.81, 4, 2000, 3.0)
    failed = dataclasses.replace(passed, rhat=1.2)
    cells = [
        dataclasses.replace(cell, engine="nuts", diagnostics=found) for cell, found in zip(made.posteriors, (passed, failed), strict=False)
    ]
    page = report(dataclasses.replace(made, posteriors=(*cells, made.posteriors[2]), sampler=Settings(seed=7)))
    body = page[page.index("<body>") :]
    for heading in ("R-hat", "bulk ESS", "tail ESS", "divergences", "BFMI", "draws"):
        assert f"<th>{heading}</th>" in body
    rows = [re.findall(r"<td>(.*?)</td>", row) for row in re.findall(r"<tr>(.*?)</tr>", body, re.DOTALL)]
    assert ["one", "All pairs", "60", "yes", "1.0034", "1,234", "987", "0", "0.81", "8,000"] in rows
    assert ["one", "Code", "30", "R-hat 1.200, not under 1.01", "1.2000", "1,234", "987", "0", "0.81", "8,000"] in rows
    assert "1 of 3 cells were fitted by the fast engine and converged." in body
    assert "2 of 3 cells were sampled by NUTS (4 chains, each 2,000 draws after 500 of warm-up, seed 7); 1 passed." in body
    assert "folds 0, sampler 7" in body
    assert f"nutpie {version('nutpie')}" in body


def test_the_fast_engine_says_what_has_no_numbers() -> None:
    dataset = make_dataset(n=60)
    verdicts = dataset.verdicts.copy()
    verdicts[::2] = np.nan
    page = report(content(dataclasses.replace(dataset, verdicts=verdicts)))
    assert "4 of 6 cells were fitted by the fast engine and converged. Without numbers: no verdicts: 2." in page
    assert "None was sampled by NUTS." in page
    assert "nutpie" not in page[page.index("<body>") :]


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


def test_sampled_cells_in_the_report_of_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, out, folder = tmp_path / "a.jsonl", tmp_path / "r.html", tmp_path / "draws"
    write_native(make_dataset(n=60), source)
    dataset, settings = open_dataset(source), Settings(draws=200, seed=3)
    store = PosteriorStore(folder, 10**9, readable=True)
    for number, cell in enumerate(cells(dataset, STANDARD, settings, ["two"], [group.name for group in dataset.selectable_groups])):
        store.put(cell, made_up(cell, Diagnostics(1.3 if number == 2 else 1.0021, 801.0, 702.0, 0, 1.0, 4, 200, 0.1)))
    arguments = ["report", str(source), "--judge", "two", "--out", str(out), "--engine", "nuts", "--posterior", str(folder)]
    assert main([*arguments, "--draws", "200", "--seed", "3"]) == 1, "a cell did not pass"
    page = out.read_text(encoding="utf-8")
    assert "3 of 3 cells were sampled by NUTS (4 chains, each 200 draws after 500 of warm-up, seed 3); 2 passed." in page
    assert page.count("<td>1.0021</td>") == 2
    assert "<td>R-hat 1.300, not under 1.01</td>" in page
    assert '<span class="open">no numbers: not converged</span>' in page
    assert main(["report", str(source), "--out", str(out), "--posterior", str(folder)]) == 2
    assert "Only the sampler has draws to keep" in capsys.readouterr().err


def test_the_page_says_how_many_cells_of_the_report_were_sampled(open_page: Open, data: Path) -> None:
    put(data)
    assert "2 of 6 cells in it were sampled by NUTS." in text(open_page("export", data, engine="nuts"))
    assert "0 of 6 cells in it were sampled by NUTS" in text(open_page("export", data))


@pytest.mark.browser
def test_on_paper_everything_is_unfolded_and_fits(visitor: "Page", tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    file.write_text(report(content(make_dataset(n=80, weights={name: [1.0, 0, 0] for name in "abcd"}))), encoding="utf-8")
    problems: list[str] = []
    visitor.on("pageerror", lambda error: problems.append(str(error)))
    visitor.goto(file.as_uri())
    visitor.locator(".js-plotly-plot .main-svg").first.wait_for()
    look = """() => [document.querySelectorAll("details[open]").length,
        Math.max(...[...document.querySelectorAll(".js-plotly-plot .main-svg")].map(chart => chart.width.baseVal.value))]"""
    folded, wide = visitor.evaluate(look)
    assert folded == 0
    assert wide > 1000
    visitor.evaluate(f"addEventListener('beforeprint', () => {{ window.seen = ({look})() }})")
    visitor.pdf(path=tmp_path / "report.pdf")
    unfolded, narrow = visitor.evaluate("window.seen")
    assert unfolded == 4
    assert narrow < 720
    assert visitor.evaluate(look) == [0, wide], "and is as it was afterwards"
    visitor.set_viewport_size({"width": 400, "height": 900})
    assert visitor.evaluate("document.documentElement.scrollWidth") == 400, "wide charts scroll inside their box"
    visitor.emulate_media(color_scheme="dark")
    assert visitor.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(18, 24, 23)"
    visitor.wait_for_function(
        "() => getComputedStyle(document.querySelector('.js-plotly-plot .xtick text')).fill === getComputedStyle(document.body).color"
    )
    assert not problems
