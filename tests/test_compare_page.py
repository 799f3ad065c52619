"""The page "Compare" in every view, without a browser."""

import json
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from dissection.dashboard import behind
from tests.test_pages import MADE_UP, MARKUP, SPECIALS, Open, figures, hover, open_page, rows, run, text, write

__all__ = ["open_page"]  # the fixture

VIEWS = ("two", "against", "strength", "rounds")


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Results are waited for, as no browser asks again."""
    monkeypatch.setattr(behind, "WAITED_SECONDS", 80.0)


def unlike(n: int = 300) -> list[dict[str, object]]:
    """Two judges of the same pairs: one follows the first property, the other is against it; a third is the first again."""
    rng = np.random.default_rng(1)
    made = []
    for i in range(n):
        sign = int(rng.choice([-1, 1]))
        other = int(rng.choice([-1, 0, 1]))
        likes, dislikes = rng.random(2) < 1 / (1 + np.exp(-2.0 * sign * np.array([1, -1])))
        verdicts = {"likes": "a" if likes else "b", "dislikes": "a" if dislikes else "b"}
        made.append(
            {
                "pair_id": f"p{i}",
                "query": f"q{i}",
                "response_a": f"x{i}",
                "response_b": f"y{i}",
                "labels": {**verdicts, "likes again": verdicts["likes"], "sure": 0.9 if likes else 0.2},
                "properties": {"polite": {"comparison": sign}, "longer": {"comparison": other}},
            }
        )
    return made


def test_a_planted_difference_is_found_and_shown(open_page: Open, tmp_path: Path) -> None:
    at = open_page("compare", write(tmp_path, unlike()), first="likes", second="dislikes")
    words = text(at)
    assert "1 of 2 differences are decided" in words
    assert "better only on *polite*" in words
    polite = next(said for said in hover(figures(at)[0]) if "<b>polite</b>" in said)
    assert "300 in common" in polite
    assert "not told apart" not in polite
    assert "not told apart" in next(said for said in hover(figures(at)[0]) if "<b>longer</b>" in said)


def test_judges_with_the_same_verdicts_have_no_difference(open_page: Open, tmp_path: Path) -> None:
    at = open_page("compare", write(tmp_path, unlike()), first="likes", second="likes again")
    assert "very same verdicts" in text(at)


def test_one_judge_twice_is_asked_about(open_page: Open, tmp_path: Path) -> None:
    at = open_page("compare", write(tmp_path, unlike()), first="likes", second="likes")
    assert "Both sides are the same" in text(at)
    assert not figures(at)


def headings(at: AppTest, number: int) -> dict[str, str]:
    """The headings of a table's columns, where they are not the columns' names."""
    return {name: column["label"] for name, column in json.loads(at.dataframe[number].proto.columns).items() if column.get("label")}


def test_the_pairs_behind_a_difference_are_listed_by_property(open_page: Open, tmp_path: Path) -> None:
    at = open_page("compare", write(tmp_path, unlike()), first="likes", second="dislikes")
    at.session_state["disagreements"] = True
    run(at)
    groups, pairs = at.dataframe[0].value, at.dataframe[1].value
    assert groups["property"].iloc[0] == "polite"
    assert int(groups["pairs"].sum()) == len(pairs) > 100
    assert headings(at, 1) == {"verdict_a": "likes", "verdict_b": "dislikes"}


def test_a_judge_may_be_called_as_a_column_is(open_page: Open, tmp_path: Path) -> None:
    rows = unlike()
    for row in rows:
        row["labels"] = {{"likes": "scenario", "dislikes": "pair_id"}.get(name, name): label for name, label in row["labels"].items()}
    at = open_page("compare", write(tmp_path, rows), first="scenario", second="pair_id")
    at.session_state["disagreements"] = True
    run(at)
    assert headings(at, 1) == {"verdict_a": "scenario", "verdict_b": "pair_id"}
    assert at.dataframe[1].value["scenario"].iloc[0] == "All"


def test_agreement_has_its_charts(open_page: Open, tmp_path: Path) -> None:
    at = open_page("compare", write(tmp_path, unlike()), first="likes", second="dislikes")
    at.session_state["agreement"] = True
    run(at)
    assert len(figures(at)) == 3
    assert "Cohen's kappa" in json.dumps(figures(at)[1])


def test_all_against_one_has_a_row_a_judge(open_page: Open, tmp_path: Path) -> None:
    at = open_page("compare", write(tmp_path, unlike()), compare="against", reference="likes")
    (figure,) = figures(at)
    assert set(figure["layout"]["yaxis"]["ticktext"]) == {"dislikes", "sure", "likes again"}
    assert "in log-odds" in text(at)


def test_the_resamples_are_told_though_the_first_judge_needs_none(open_page: Open, tmp_path: Path) -> None:
    """The first judge has the reference's own verdicts, so there is no difference to refit."""
    at = open_page("compare", write(tmp_path, unlike()), compare="against", reference="likes again")
    assert "Paired intervals from 200 resamples" in text(at)
    only = open_page("compare", write(tmp_path, unlike()), compare="against", reference="likes again", judges="likes")
    assert "resamples" not in text(only)
    assert "n = 300 pairs in common" in text(only)


def test_strength_and_direction(open_page: Open, tmp_path: Path) -> None:
    at = open_page("compare", write(tmp_path, unlike()), compare="strength", reference="likes")
    strength, direction, sure = figures(at)
    assert strength["layout"]["xaxis"]["title"]["text"].startswith("strength")
    said = next(words for words in hover(direction) if "<b>dislikes</b>" in words)
    assert float(said.split("(cosine) ")[1].split(" ")[0]) < -0.8
    assert "|P(A) − P(B)|" in json.dumps(sure, ensure_ascii=False)
    assert "median 0.80" in text(at) or "median 0.60" in text(at)


def test_rounds_are_in_the_order_that_was_chosen(open_page: Open, tmp_path: Path) -> None:
    at = open_page("compare", write(tmp_path, unlike()), compare="rounds")
    assert "first round first" in text(at)
    at.multiselect(key="rounds").set_value(["dislikes", "likes"])
    run(at)
    assert figures(at)[0]["layout"]["xaxis"]["ticktext"] == ["dislikes", "likes"]
    assert "Total drift" in text(at)


def test_base_and_aligned_twins_of_the_published_weights(open_page: Open, published: Path) -> None:
    at = open_page("compare", published)
    words = text(at)
    assert "without their pairs" in words
    assert "posterior means only" in words
    assert len(figures(at)) == 2


@pytest.mark.parametrize("state", sorted(MADE_UP))
@pytest.mark.parametrize("view", VIEWS)
def test_every_state_has_its_words(open_page: Open, tmp_path: Path, state: str, view: str) -> None:
    at = open_page("compare", write(tmp_path, MADE_UP[state]()), compare=view)
    assert [title.value for title in at.title] == ["Compare"]
    assert len(text(at)) > 40


@pytest.mark.parametrize("view", VIEWS)
def test_names_are_not_obeyed(open_page: Open, tmp_path: Path, view: str) -> None:
    found = rows(n=120, judges=[MARKUP, SPECIALS], properties=[MARKUP, SPECIALS], scenarios=[MARKUP, SPECIALS])
    at = open_page("compare", write(tmp_path, found), compare=view)
    drawn = [{key: value for key, value in trace.items() if key != "customdata"} for figure in figures(at) for trace in figure["data"]]
    assert MARKUP not in json.dumps([drawn, [figure["layout"] for figure in figures(at)]])
    assert SPECIALS not in text(at)


def test_the_pooled_model_is_refused_in_words(open_page: Open, tmp_path: Path) -> None:
    found = rows(n=200, scenarios=["one", "two"])
    at = open_page("compare", write(tmp_path, found), model="pooled")
    assert "differences are made from single fits" in text(at)
