"""The page "Style or substance" in every view, without a browser."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dissection.dashboard import behind
from tests.test_pages import MADE_UP, MARKUP, SPECIALS, Open, figures, hover, open_page, rows, run, text, write

__all__ = ["open_page"]  # the fixture

VIEWS = ("shares", "criteria", "measures")


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Results are waited for, as no browser asks again."""
    monkeypatch.setattr(behind, "WAITED_SECONDS", 80.0)


def judged(n: int = 240, judges: tuple[str, str] = ("stylist", "scholar"), criteria: bool = True) -> list[dict[str, Any]]:
    """Two judges, one who goes by length and one by relevance; the second also gave verdicts on criteria; five models."""
    rng = np.random.default_rng(0)
    found = []
    for i in range(n):
        sides = rng.choice([-1, 1], size=2)
        one, two = rng.permutation(5)[:2]
        says = ["a" if rng.random() < 1 / (1 + np.exp(-2.0 * side)) else "b" for side in sides]
        found.append(
            {
                "pair_id": f"p{i}",
                "query": f"q{i}",
                "response_a": f"a{i}",
                "response_b": f"b{i}",
                "model_a": f"m{one}",
                "model_b": f"m{two}",
                "labels": dict(zip(judges, says, strict=True)),
                "properties": {name: {"comparison": int(side)} for name, side in zip(("longer", "relevant"), sides, strict=True)},
                "meta": {
                    f"criterion.{judges[1]}.correct": "a" if sides[1] > 0 else "b",
                    f"criterion.{judges[1]}.short": "b" if sides[0] > 0 else "a",
                }
                if criteria
                else {},
            }
        )
    return found


def test_the_demo_ranks_its_judges(open_page: Open) -> None:
    at = open_page("substance")
    index, shares = figures(at)
    assert len(index["layout"]["yaxis"]["ticktext"]) == 14
    assert [note["text"].split("</b>")[0] for note in shares["layout"]["annotations"]] == [
        "<b>substance",
        "<b>safety",
        "<b>interaction",
        "<b>style",
    ]
    assert all("n = " in words and "95 %" in words for words in hover(shares) + hover(index))
    assert "on place 1–" in text(at)


def test_planted_judges_are_told_apart(open_page: Open, tmp_path: Path) -> None:
    at = open_page("substance", write(tmp_path, judged()))
    index = figures(at)[0]
    assert index["layout"]["yaxis"]["ticktext"] == ["stylist", "scholar"]
    assert index["data"][0]["marker"]["symbol"] == ["circle", "circle"]
    assert "1 with more style, 1 with more substance, of 2" in text(at)


def test_one_judge_in_all_scenarios(open_page: Open) -> None:
    at = open_page("substance", sharerows="group", judge="human")
    assert len(figures(at)[0]["layout"]["yaxis"]["ticktext"]) == 16
    assert "Contains explicit constraints" in json.dumps(figures(at)[1])
    assert "rows have crosses" in text(at)


def test_haluquestqa_begins_with_text_properties(open_page: Open, shared: Path) -> None:
    at = open_page("substance", shared / "haluquestqa.jsonl")
    assert at.button_group(key="shareprops").value == "texts"
    assert len(figures(at)) == 2
    assert "n = 698 pairs" in text(at)
    at.button_group(key="shareprops").set_value("given")
    run(at)
    assert "No index: no property is of the family style or substance" in text(at)
    at.multiselect(key="as-substance").set_value(["factuality", "relevance", "completeness", "factuality_errors"])
    at.multiselect(key="as-style").set_value(["length_words"])
    run(at)
    assert len(figures(at)) == 2
    assert "No index: no property" not in text(at)


def test_llmbar_has_shares_and_no_models(open_page: Open, shared: Path) -> None:
    at = open_page("substance", shared / "llmbar.jsonl", over="All pairs")
    assert len(figures(at)[0]["layout"]["yaxis"]["ticktext"]) == 66
    assert "told apart" in text(at).casefold()
    at = open_page("substance", shared / "llmbar.jsonl", styleview="measures")
    assert "do not name the models" in text(at)


def test_published_weights_say_why_they_have_no_intervals(open_page: Open, published: Path) -> None:
    at = open_page("substance", published, judges="human")
    assert "only posterior means were published" in text(at)
    said = hover(figures(at)[1])
    assert any("substance: 62 %" in words and "no interval" in words for words in said)
    for view in ("criteria", "measures"):
        assert "came without their pairs" in text(open_page("substance", published, styleview=view))


def test_criteria_have_weights(open_page: Open, tmp_path: Path) -> None:
    at = open_page("substance", write(tmp_path, judged()), styleview="criteria")
    said = text(at)
    assert "scholar goes most by *correct*" in said
    assert "n = 240 pairs" in said
    assert "No judge of this data gave verdicts on criteria" in text(
        open_page("substance", write(tmp_path, judged(criteria=False), "no.jsonl"), styleview="criteria")
    )


def test_bad_criteria_are_said(open_page: Open, tmp_path: Path) -> None:
    found = judged(30)
    found[3]["meta"]["criterion.scholar.correct"] = "the better one"
    found[4]["meta"]["criterion.nobody.correct"] = "a"
    at = open_page("substance", write(tmp_path, found), styleview="criteria")
    assert "is not a verdict" in at.error[0].value
    assert "p3" in at.error[0].value
    assert "criterion\\.nobody\\.correct" in text(at) or "criterion.nobody.correct" in text(at)


def test_strengths_and_measures(open_page: Open, tmp_path: Path) -> None:
    path = write(tmp_path, judged())
    at = open_page("substance", path, styleview="measures")
    assert len(figures(at)) == 1
    assert "200 resamples of 240 queries" in text(at)
    at.session_state["measures-file"] = (b"model,safety\nm0,1\nm1,2\nm2,3\nm3,5\nm4,4\nghost,1\n", "mine.csv")
    run(at)
    assert len(figures(at)) == 2
    assert "Only 5 models" in at.warning[0].value
    assert "ghost" in text(at)
    assert any("5 models" in words and "95 %" in words for words in hover(figures(at)[0]))
    at.session_state["measures-file"] = (b"model,safety\nm0,very\n", "mine.csv")
    run(at)
    assert "is no number" in at.error[0].value
    assert len(figures(at)) == 1, "strengths need no table"


@pytest.mark.parametrize("state", sorted(MADE_UP))
@pytest.mark.parametrize("view", VIEWS)
def test_every_state_has_its_words(open_page: Open, tmp_path: Path, state: str, view: str) -> None:
    at = open_page("substance", write(tmp_path, MADE_UP[state]()), styleview=view)
    assert not at.error
    assert len(text(at)) > 100


@pytest.mark.parametrize("view", VIEWS)
def test_names_are_no_markup(open_page: Open, tmp_path: Path, view: str) -> None:
    found = judged(80, (SPECIALS, MARKUP))
    for place, row in enumerate(found):
        row["model_a"], row["model_b"] = (MARKUP, SPECIALS) if place % 2 else (SPECIALS, MARKUP)
        row["meta"][f"criterion.{MARKUP}.{MARKUP}"] = row["meta"].pop(f"criterion.{MARKUP}.short")
    at = open_page("substance", write(tmp_path, found), styleview=view)
    assert not at.error
    for figure in figures(at):
        axes = [axis.get("ticktext", []) for name, axis in figure["layout"].items() if name.startswith(("xaxis", "yaxis"))]
        assert MARKUP not in json.dumps([hover(figure), axes, [trace.get("name") for trace in figure["data"]]])
    assert SPECIALS not in text(at)
    assert MARKUP not in text(at)


def test_rows_of_the_usual_file_name_no_models(open_page: Open, tmp_path: Path) -> None:
    assert "do not name the models" in text(open_page("substance", write(tmp_path, rows()), styleview="measures"))
